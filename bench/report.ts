/** How benchmarks print: a table of what was measured, and as the last line the ratios. */
import type { Bench } from 'tinybench';

/** Rate of each task, and its share of the first one's. */
export function printBench(bench: Bench): void {
  const rows = bench.tasks.map((task) => {
    const { result } = task;
    if (result.state !== 'completed') throw new Error(`${task.name} did not complete`);
    return { name: task.name, rate: result.throughput.mean, rme: result.throughput.rme };
  });
  const base = rows[0]?.rate ?? 1;
  const width = Math.max(...rows.map((row) => row.name.length));
  for (const { name, rate, rme } of rows) {
    const perSecond = Math.round(rate).toLocaleString('en').padStart(14);
    console.log(`${name.padEnd(width)} ${perSecond} /s  ±${rme.toFixed(1)} %`);
  }
  console.log(
    `ratios: ${rows.map((row) => `${row.name} ${(row.rate / base).toFixed(2)}`).join(', ')}`,
  );
}
