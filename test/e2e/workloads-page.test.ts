/** What docs/workloads.md shows is what happens: its sh blocks are run against a demo instance. */
import { execFileSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import process from 'node:process';
import test from 'node:test';
import { startDemo } from '../support/instance.ts';
import { emptyHome, temporaryFolder } from '../support/program.ts';
import { commandsOf, complaint, openSession } from '../support/session.ts';
import { readSource, root } from '../support/tree.ts';

const page = 'docs/workloads.md';
const commands = commandsOf(readSource(page).text);

function whyNot(): string | false {
  if (process.platform !== 'linux')
    return 'the page shows addresses of 127/8, which only Linux has';
  for (const program of ['curl']) {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`]);
    } catch {
      return `${program} is not on this host`;
    }
  }
  return false;
}

test(page, { skip: whyNot() }, async (t) => {
  const env = emptyHome(temporaryFolder(t));
  assert.ok(commands.length > 8);
  const instance = await startDemo(t, [join(root, 'switchyard')], {
    cwd: root,
    env,
    name: 'workloads-page',
  });
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
