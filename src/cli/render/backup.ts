/** What a backup holds, or what restoring it did, in a line or two. */
import type { BackupView } from '../../control/index.ts';

export function renderBackup({ did, file, objects, changed, dataFolder }: BackupView): string {
  if (did === 'backup') return `${counted(objects, 'object')} written to ${file}\n`;
  const where = dataFolder === undefined ? '' : ` into ${dataFolder}`;
  const line = `${counted(objects, 'object')} restored${where} from ${file}`;
  const next =
    dataFolder === undefined ? '' : `Start it with switchyard up --data-dir ${dataFolder}\n`;
  return `${line}, ${counted(changed ?? 0, 'change')}\n${next}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
