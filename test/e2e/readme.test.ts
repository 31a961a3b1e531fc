/** What README.md shows is what happens: its sh blocks are run against a demo instance. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { startDemo } from '../support/instance.ts';
import { emptyHome, temporaryFolder } from '../support/program.ts';
import { commandsOf, complaint, openSession } from '../support/session.ts';
import { readSource, root } from '../support/tree.ts';

const page = 'README.md';
const commands = commandsOf(readSource(page).text);

test('README.md', async (t) => {
  const env = emptyHome(temporaryFolder(t));
  assert.ok(commands.length > 0, 'README.md shows commands in sh blocks');
  const demo = { cwd: root, env, name: 'readme' };
  const instance = await startDemo(t, [join(root, 'switchyard')], demo);
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
