/** The door to other programs: long-running children with their output line by line. */
import { spawn, type ChildProcess } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { messageOf } from '../model/index.ts';
import { SysError } from './errors.ts';

export interface ChildOptions {
  readonly command: readonly string[];
  /** Added to this process's own environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** Gets each line of stdout and stderr. */
  onLine(line: string, from: 'stdout' | 'stderr'): void;
}

export interface ChildEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

export interface Child {
  readonly pid: number;
  readonly ended: Promise<ChildEnd>;
  /** Signals the child and everything it started. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** Starts a child in a process group of its own. Rejects with EXEC_FAILED when it cannot be started. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const [file = '', ...args] = options.command;
  const child = spawn(file, args, {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Own group, so that a shell's children end with it, and Ctrl-C reaches us first and them in order.
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(
        new SysError('EXEC_FAILED', `Cannot start ${file}: ${messageOf(cause)}`, {
          cause,
          remedy: 'Check that the program exists and may be executed',
        }),
      ),
    );
  });
  for (const from of ['stdout', 'stderr'] as const) {
    createInterface({ input: child[from] }).on('line', (line) => options.onLine(line, from));
  }
  const pid = child.pid ?? 0;
  return {
    pid,
    ended: new Promise((resolve) => {
      child.once('close', (code, signal) =>
        resolve({ code: code ?? undefined, signal: signal ?? undefined }),
      );
    }),
    kill: (signal) => killGroup(child, pid, signal),
  };
}

function killGroup(child: ChildProcess, pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already, or never was: the child itself is all there is.
    child.kill(signal);
  }
}
