/**
 * Network namespaces for tests: their names say whose they are, so that those of a run that was killed are known
 * and go when the next one begins.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import process from 'node:process';

let worlds = 0;

/** Makes a namespace for each, named `sy<pid>x<world><first letters>`; removes what dead processes have left. */
export function namespaceNames<Part extends string>(
  ...parts: readonly Part[]
): Readonly<Record<Part, string>> {
  removeAbandoned();
  const prefix = `sy${process.pid}x${worlds++}`;
  const names = Object.fromEntries(parts.map((part) => [part, `${prefix}${part}`]));
  for (const name of Object.values(names)) execFileSync('ip', ['netns', 'add', name]);
  return names as Record<Part, string>;
}

export function removeNamespaces(names: readonly string[]): void {
  for (const name of names) {
    try {
      execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' });
    } catch {
      // It was never made, or another run has removed it.
    }
  }
}

/** A process that is gone does not come back: its namespaces are nobody's. */
function removeAbandoned(): void {
  const folder = '/run/netns';
  if (!existsSync(folder)) return;
  const abandoned = readdirSync(folder).filter((name) => {
    const [, pid] = /^sy([0-9]+)x/.exec(name) ?? [];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
  removeNamespaces(abandoned);
}

export function runIn(name: string, ...command: readonly string[]): string {
  return execFileSync('ip', ['netns', 'exec', name, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Commands of `ip`, one a line, in a single process for each family: `-6` at the start of a line says which. */
export function runIp(name: string, lines: readonly string[]): void {
  const six = lines.filter((line) => line.startsWith('-6 ')).map((line) => line.slice(3));
  const others = lines.filter((line) => !line.startsWith('-6 '));
  for (const [options, batch] of [
    [[], others],
    [['-6'], six],
  ] as const) {
    if (batch.length === 0) continue;
    const args = [...options, '-n', name, '-batch', '-'];
    execFileSync('ip', args, { input: `${batch.join('\n')}\n`, stdio: ['pipe', 'pipe', 'pipe'] });
  }
}

/** Settings as `net/ipv4/ip_forward=1`; what this kernel does not have is left out. */
export function setIn(name: string, settings: readonly string[]): void {
  const script = settings.map((setting) => {
    const [path = '', value = ''] = setting.split('=');
    return `{ echo ${value} > /proc/sys/${path}; } 2>/dev/null || true`;
  });
  runIn(name, 'sh', '-c', script.join('\n'));
}
