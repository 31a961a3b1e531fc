/** A running Switchyard for tests: `up --demo` until it is ready, and its orderly end. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { start, type ProgramOptions } from './program.ts';

export interface Instance {
  /** Ends it as Ctrl-C does; it must end well. */
  stop(): Promise<void>;
}

/** `command` starts the CLI: `['./switchyard']`. */
export async function startDemo(
  t: TestContext,
  command: readonly string[],
  options: ProgramOptions & { readonly name: string },
): Promise<Instance> {
  const program = start(t, [...command, 'up', '--demo', '--instance', options.name], options);
  await program.printed('Ready');
  return {
    stop: async () => {
      program.kill('SIGTERM');
      const ended = await program.ended;
      assert.deepEqual([ended.status, ended.signal], [0, undefined], ended.stdout + ended.stderr);
    },
  };
}
