/** Times as objects have them: to the second. Many writes come in one, and then they share its text. */
let last = { second: Number.NaN, text: '' };

/** `2026-11-22T09:30:00Z`. */
export function formatTimestamp(ms: number): string {
  const second = Math.floor(ms / 1_000);
  if (second !== last.second) {
    last = { second, text: `${new Date(ms).toISOString().slice(0, 19)}Z` };
  }
  return last.text;
}
