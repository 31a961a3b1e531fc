/** Rounds of a benchmark in few figures. */

export interface Spread {
  readonly median: number;
  /** Quartiles. */
  readonly low: number;
  readonly high: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round((sorted.length - 1) * share)] ?? 0;
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** `12.3 (11.9-12.8)` */
export function formatSpread(values: readonly number[], digits: number): string {
  const { median, low, high } = spreadOf(values);
  return `${median.toFixed(digits).padStart(6)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;
}
