/** What was removed, a line each. */
import type { CleanupView } from '../io.ts';

export function renderCleanup({ removed }: CleanupView): string {
  if (removed.length === 0) return 'Nothing of Switchyard is in the kernel\n';
  return removed.map((what) => `Removed ${what}\n`).join('');
}
