/**
 * Prometheus' text of what is sampled, by prom-client. It keeps no count of ours: each metric reads its samples in
 * its own collect(). Imported when somebody first scrapes, so that nobody else waits for it.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { metricRows, type HistogramSample, type MetricKey, type MetricRow } from './metric-rows.ts';
import type { Samples } from './samples.ts';

export interface Exposition {
  readonly contentType: string;
  /** The samples are taken once for a text. */
  text(): Promise<string>;
}

export function createExposition(sample: () => Samples): Exposition {
  const registry = new Registry();
  let samples: Samples | undefined;
  for (const key of Object.keys(metricRows).filter(isMetricKey)) {
    const row: MetricRow = metricRows[key];
    if (row.type === 'histogram') addHistogram(registry, row, () => samples?.histograms[key]);
    else addPlain(registry, row, () => samples?.plain[key] ?? []);
  }
  collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    text: async () => {
      samples = sample();
      return await registry.metrics();
    },
  };
}

function isMetricKey(key: string): key is MetricKey {
  return Object.hasOwn(metricRows, key);
}

type Read<T> = () => T;

function addPlain(
  registry: Registry,
  { name, help, labels, type }: MetricRow,
  read: Read<readonly { readonly labels: readonly string[]; readonly value: number }[]>,
): void {
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  if (type === 'counter') {
    void new Counter({
      ...options,
      collect() {
        this.reset();
        for (const { labels: values, value } of read()) this.inc(named(labels, values), value);
      },
    });
    return;
  }
  void new Gauge({
    ...options,
    collect() {
      this.reset();
      for (const { labels: values, value } of read()) this.set(named(labels, values), value);
    },
  });
}

interface Buckets {
  readonly bounds: readonly number[];
  readonly samples: readonly HistogramSample[];
}

function addHistogram(registry: Registry, row: MetricRow, read: Read<Buckets | undefined>): void {
  registry.registerMetric(new CountedHistogram(row, read));
}

/** prom-client's own can only observe one by one; ours has been counted already. */
class CountedHistogram extends Histogram {
  private readonly row: MetricRow;
  private readonly read: Read<Buckets | undefined>;

  constructor(row: MetricRow, read: Read<Buckets | undefined>) {
    super({ name: row.name, help: row.help, labelNames: [...row.labels], registers: [] });
    this.row = row;
    this.read = read;
  }

  /** What the registry writes. */
  async getForPromString(): Promise<object> {
    const { name, help, labels } = this.row;
    const counted = this.read();
    const values = (counted?.samples ?? []).flatMap((each) =>
      seriesOf(name, { ...each, names: labels, bounds: counted?.bounds ?? [] }),
    );
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }
}

interface Series {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Prometheus counts in each bucket all that are smaller as well. */
function seriesOf(
  name: string,
  counted: HistogramSample & {
    readonly names: readonly string[];
    readonly bounds: readonly number[];
  },
): readonly Series[] {
  const labels = named(counted.names, counted.labels);
  const series: Series[] = [];
  let count = 0;
  for (const [i, inBucket] of counted.buckets.entries()) {
    count += inBucket;
    const le = counted.bounds[i] ?? '+Inf';
    series.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
  }
  series.push({ metricName: `${name}_sum`, labels, value: counted.sum });
  series.push({ metricName: `${name}_count`, labels, value: count });
  return series;
}

function named(
  names: readonly string[],
  values: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
}
