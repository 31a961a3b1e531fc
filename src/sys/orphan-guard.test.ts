/** Whoever is killed takes its programs with it; whoever ends in order, or gives them away, does not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test, type TestContext } from 'node:test';
import { systemClock } from './clock.ts';
import { killGroup } from './exec.ts';

const module = fileURLToPath(new URL('orphan-guard.ts', import.meta.url));

/** A process that starts a sleeper, and says its number once it is guarded; `then` is done afterwards. */
const program = (then: string, armed = true): string => `
import { spawn } from 'node:child_process';
import { createOrphanGuard } from ${JSON.stringify(module)};
const guard = createOrphanGuard({ armed: ${armed} });
const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
child.once('spawn', () => {
  guard.add(child.pid);
  ${then}
  console.log(child.pid);
});
`;

async function sleeperOf(t: TestContext, then: string, armed = true): Promise<number> {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program(then, armed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [bytes] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(bytes.toString());
  assert.ok(pid > 1);
  t.after(() => killGroup(pid, 'SIGKILL'));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  return pid;
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const skip = process.platform === 'win32' ? 'there is no /bin/sh' : false;

test('a program ends when who started it is killed', { skip }, async (t) => {
  const pid = await sleeperOf(t, '');
  const deadline = Date.now() + 10_000;
  while (runs(pid)) {
    assert.ok(Date.now() < deadline, 'it still runs');
    await systemClock.sleep(20);
  }
});

test('a program that was there before the guard was armed ends then, too', { skip }, async (t) => {
  const pid = await sleeperOf(t, 'guard.arm();', false);
  const deadline = Date.now() + 10_000;
  while (runs(pid)) {
    assert.ok(Date.now() < deadline, 'it still runs');
    await systemClock.sleep(20);
  }
});

for (const [what, then, armed] of [
  ['was given away', 'guard.remove(child.pid);', true],
  ['is of one that ended in order', 'guard.close();', true],
  ['is still of another process', '', false],
  ['was given away before the guard was armed', 'guard.remove(child.pid); guard.arm();', false],
] as const) {
  test(`a program that ${what} goes on`, { skip }, async (t) => {
    const pid = await sleeperOf(t, then, armed);
    // A guard that ends what it should not does so at once.
    await systemClock.sleep(300);
    assert.ok(runs(pid));
  });
}
