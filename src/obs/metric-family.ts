/** What a room counted, as plain data: rooms give it, `metrics` writes it down, and neither knows the other. */

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Of a histogram: `_bucket` with `le`, `_sum` and `_count`, as Prometheus has them. */
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
