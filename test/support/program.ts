/** Runs a program of ours for a test: its output as it comes, its end, and a temporary home. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface ProgramOptions {
  readonly cwd: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly uid?: number | undefined;
}

export interface Ended {
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves with all output once it has the text; rejects with it when the program ends without. */
  printed(text: string): Promise<string>;
  kill(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void;
}

/** How long a program may take to end by itself after its test. */
const endMs = 8_000;

/** Starts a program; one that still runs when the test ends is killed. */
export function start(
  t: TestContext,
  command: readonly string[],
  options: ProgramOptions,
): Program {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const { promise: ended, resolve, reject } = Promise.withResolvers<Ended>();
  child.once('error', reject);
  child.once('close', (status, signal) =>
    resolve({ status: status ?? undefined, signal: signal ?? undefined, ...output }),
  );
  t.after(async () => {
    // An instance ends its Pods' processes first; killed at once it would leave them behind.
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), endMs);
    await ended.catch(() => undefined);
    clearTimeout(late);
  });
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => void child.kill(signal),
    printed: (text) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const look = (): void => {
        const all = `${output.stdout}${output.stderr}`;
        if (all.includes(text)) resolve(all);
      };
      // These run after the listeners that collect.
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      const over = (): void => {
        look();
        reject(new Error(`no "${text}" in:\n${output.stdout}${output.stderr}`));
      };
      ended.then(over, over);
      look();
      return promise.finally(() => {
        child.stdout.off('data', look);
        child.stderr.off('data', look);
      });
    },
  };
}

/** Runs a program to its end. */
export async function run(
  t: TestContext,
  command: readonly string[],
  options: ProgramOptions,
): Promise<Ended> {
  return await start(t, command, options).ended;
}

/** A folder that is gone after the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An environment whose home is empty, so that a test meets no other instance and no user's settings. */
export function emptyHome(home: string): Readonly<Record<string, string | undefined>> {
  return {
    HOME: home,
    XDG_STATE_HOME: undefined,
    XDG_RUNTIME_DIR: undefined,
    SWITCHYARD_INSTANCE: undefined,
    NO_COLOR: '1',
  };
}
