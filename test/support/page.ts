/** A page of the docs as a test: its sh blocks are run against a demo instance, each line's output held against it. */
import { execFileSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import process from 'node:process';
import test from 'node:test';
import { startDemo } from './instance.ts';
import { emptyHome, temporaryFolder } from './program.ts';
import { commandsOf, complaint, openSession } from './session.ts';
import { readSource, root } from './tree.ts';

export interface Page {
  /** From the root of the tree. */
  readonly page: string;
  /** The demo instance's. */
  readonly name: string;
  /** What it shows cannot be run without these. */
  readonly programs?: readonly string[];
  /** It shows addresses of 127/8, which only Linux has. */
  readonly linuxOnly?: boolean;
}

function whyNot({ programs = [], linuxOnly = false }: Page): string | false {
  if (linuxOnly && process.platform !== 'linux') {
    return 'the page shows addresses of 127/8, which only Linux has';
  }
  for (const program of programs) {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`]);
    } catch {
      return `${program} is not on this host`;
    }
  }
  return false;
}

export function testPage(shown: Page): void {
  const { page, name } = shown;
  const commands = commandsOf(readSource(page).text);
  test(page, { skip: whyNot(shown) }, async (t) => {
    const env = emptyHome(temporaryFolder(t));
    assert.ok(commands.length > 0, `${page} shows commands in sh blocks`);
    const instance = await startDemo(t, [join(root, 'switchyard')], { cwd: root, env, name });
    const session = openSession({ cwd: root, env, timeoutMs: 30_000 });
    t.after(() => session.close());
    for (const command of commands) {
      await t.test(`line ${command.line}: ${command.command}`, async () => {
        const problem = complaint(page, command, await session.run(command.command));
        if (problem !== undefined) assert.fail(problem);
      });
    }
    await session.close();
    await instance.stop();
  });
}
