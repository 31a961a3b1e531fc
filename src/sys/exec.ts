/** The door to other programs: long-running children with their output line by line. */
import { spawn } from 'node:child_process';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { messageOf } from '../model/index.ts';
import { SysError } from './errors.ts';
import { LineReader } from './line-reader.ts';

export interface ChildOptions {
  readonly command: readonly string[];
  /** Added to this process's own environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** Starts it from within something of the caller's: a network, say. */
  readonly within?: Within | undefined;
  /** Gets each line of stdout and stderr. */
  readonly onLine: (line: string, from: 'stdout' | 'stderr') => void;
}

/** Runs `work`, at once and to its end, somewhere. */
export type Within = <T>(work: () => T) => T;

export interface ChildEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

export interface Child {
  readonly pid: number;
  readonly ended: Promise<ChildEnd>;
  /** Signals the child and everything it started. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Its output is read no further until `resume`; undefined when this system gives no descriptor of it. */
  suspend(): ChildOutput | undefined;
  resume(): void;
}

/** Where a child's output comes from, for another process to read on. */
export interface ChildOutput {
  readonly stdout: Pipe;
  readonly stderr: Pipe;
}

export interface Pipe {
  readonly descriptor: number;
  /** The begin of a line whose end has not come. */
  readonly held: Buffer;
}

/** Starts a child in a process group of its own. Rejects with EXEC_FAILED when it cannot be started. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { within = here } = options;
  const [file = '', ...args] = options.command;
  const child = within(() =>
    spawn(file, args, {
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Own group, so that a shell's children end with it, and Ctrl-C reaches us first and them in order.
      detached: true,
    }),
  );
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
  const output = readOutput(child, options.onLine);
  const pid = child.pid ?? 0;
  return {
    pid,
    ended: new Promise((resolve) => {
      child.once('close', (code, signal) =>
        resolve({ code: code ?? undefined, signal: signal ?? undefined }),
      );
    }),
    // When the group is gone already, or never was, the child itself is all there is.
    kill: (signal) => void (killGroup(pid, signal) || child.kill(signal)),
    ...output,
  };
}

const here: Within = (work) => work();

/** Reads both streams of a child's output by the line. */
export function readOutput(
  streams: { readonly stdout: Readable; readonly stderr: Readable },
  onLine: ChildOptions['onLine'],
  held?: Readonly<Record<'stdout' | 'stderr', Buffer>>,
): Pick<Child, 'suspend' | 'resume'> {
  const read = (from: 'stdout' | 'stderr'): LineReader =>
    new LineReader(streams[from], { onLine: (line) => onLine(line, from), held: held?.[from] });
  const [stdout, stderr] = [read('stdout'), read('stderr')];
  const resume = (): void => {
    stdout.resume();
    stderr.resume();
  };
  return {
    suspend: () => {
      const pipes = { stdout: stdout.suspend(), stderr: stderr.suspend() };
      if (pipes.stdout !== undefined && pipes.stderr !== undefined) {
        return { stdout: pipes.stdout, stderr: pipes.stderr };
      }
      resume();
      return undefined;
    },
    resume,
  };
}

/** Returns whether there was such a group. */
export function killGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
