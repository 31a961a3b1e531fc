/**
 * Goes on with a child that another process started: hears of its end through a descriptor of the process, which
 * cannot come to mean another one, and reads its output on. How it ended only its parent hears.
 */
import { Socket } from 'node:net';
import { killGroup, readOutput, type Child, type ChildEnd } from '../index.ts';
import type { Libc } from '../ffi/index.ts';

export interface AdoptOptions {
  readonly pid: number;
  /** Of the process itself; belongs to the child from now on, as the pipes do. */
  readonly descriptor: number;
  readonly stdout: AdoptedPipe;
  readonly stderr: AdoptedPipe;
  readonly onLine: (line: string, from: 'stdout' | 'stderr') => void;
}

export interface AdoptedPipe {
  readonly descriptor: number;
  readonly held: Buffer;
}

export function adoptChild(libc: Libc, options: AdoptOptions): Child {
  const { pid, descriptor, stdout, stderr, onLine } = options;
  const { promise: ended, resolve } = Promise.withResolvers<ChildEnd>();
  let over = false;
  const watch = libc.watchReadable(descriptor, () => {
    over = true;
    watch.close();
    libc.close(descriptor);
    setImmediate(() => resolve({ code: undefined, signal: undefined }));
  });
  const open = ({ descriptor: fd }: AdoptedPipe): Socket =>
    new Socket({ fd, readable: true, writable: false });
  const output = readOutput({ stdout: open(stdout), stderr: open(stderr) }, onLine, {
    stdout: stdout.held,
    stderr: stderr.held,
  });
  return {
    pid,
    ended,
    kill: (signal) => {
      // Once it is over its number may be another's.
      if (!over) killGroup(pid, signal);
    },
    ...output,
  };
}
