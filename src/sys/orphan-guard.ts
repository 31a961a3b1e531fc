/**
 * Sees to it that programs started for this process end with it, however it ends: a shell of a few lines outlives
 * it, notices, and ends them. Linux could do it by itself (prctl, PR_SET_PDEATHSIG), but Node cannot ask it to.
 */
import { spawn, type ChildProcess } from 'node:child_process';

export interface OrphanGuard {
  /** The process group `pid` is to end when this process does. */
  add(pid: number): void;
  /** It has ended, or is somebody else's now. */
  remove(pid: number): void;
  /** From here on: before, nothing ends that was added, which is for one that begins with what is another's still. */
  arm(): void;
  /** Ends the guard; what it still has is left alone. */
  close(): void;
}

/** Between asking and forcing. */
const graceSeconds = 5;

// The groups come as "+ PID" and "- PID"; the end of the input is the end of us. A line "." is an end in order.
const script = `
groups=
while read -r sign group; do
  case $sign in
    +) groups="$groups $group" ;;
    -) kept=; for each in $groups; do [ "$each" = "$group" ] || kept="$kept $each"; done; groups=$kept ;;
    *) exit 0 ;;
  esac
done
[ -n "$groups" ] || exit 0
for each in $groups; do kill -s TERM -- "-$each"; done 2> /dev/null
sleep ${graceSeconds}
for each in $groups; do kill -s KILL -- "-$each"; done 2> /dev/null
`;

export function createOrphanGuard({ armed }: { readonly armed: boolean }): OrphanGuard {
  let shell: ChildProcess | undefined;
  /** Until it is armed. */
  let added: Set<number> | undefined = armed ? undefined : new Set();
  const say = (line: string): void => void shell?.stdin?.write(`${line}\n`);
  const guard = (pid: number): void => {
    shell ??= startShell();
    say(`+ ${pid}`);
  };
  return {
    add: (pid) => (added === undefined ? guard(pid) : void added.add(pid)),
    remove: (pid) => (added === undefined ? say(`- ${pid}`) : void added.delete(pid)),
    arm: () => {
      for (const pid of added ?? []) guard(pid);
      added = undefined;
    },
    close: () => {
      say('.');
      shell?.stdin?.end();
      shell = undefined;
    },
  };
}

/** Where there is no shell nothing is guarded: that is how it would be without. */
function startShell(): ChildProcess {
  // A group of its own: Ctrl-C must not end it before us.
  const shell = spawn('/bin/sh', ['-c', script], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', () => undefined);
  shell.stdin?.on('error', () => undefined);
  shell.unref();
  return shell;
}
