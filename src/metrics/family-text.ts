/** Metrics that other rooms counted themselves, in Prometheus' text format. */
import type { MetricFamily } from '../obs/index.ts';

/** Empty when there are none; ends with a line break otherwise. */
export function formatFamilies(families: readonly MetricFamily[]): string {
  return families.map(formatFamily).join('');
}

function formatFamily({ name, help, type, samples }: MetricFamily): string {
  const lines = samples.map(({ suffix = '', labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`);
    const braces = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
    return `${name}${suffix}${braces} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

const escape = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
