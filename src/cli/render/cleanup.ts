/** What was removed, or would be, a line each. */
import type { CleanupView } from '../io.ts';

export function renderCleanup(view: CleanupView): string {
  const [said, all] =
    'removed' in view ? ['Removed', view.removed] : ['Would remove', view.wouldRemove];
  if (all.length === 0) return 'Nothing of Switchyard is in the kernel\n';
  return all.map((what) => `${said} ${what}\n`).join('');
}
