/** A bar as long as a number says. */

/** Eighths of a character, so that 33 and 34 of 40 differ. */
export function bar(length: number): string {
  const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
  const units = Math.round(length * 8);
  return '█'.repeat(Math.floor(units / 8)) + (eighths[units % 8] ?? '');
}
