/** The userspace driver against the sentences of the decision table that mean something on sockets. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tableGroups } from '../conformance/table-cases.ts';
import { expectationOf } from '../conformance/table-expectation.ts';
import { whyNotOnSockets } from './conformance-skips.suite.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('table-program.suite.ts', import.meta.url));
/** Everything that anybody asks for is here. */
const allLocal = [
  'ip link set lo up',
  'echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind',
  'echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind',
  'ip route add local 0.0.0.0/0 dev lo',
  'ip -6 route add local ::/0 dev lo',
].join(' && ');

const missing = await namespaceMissing();
for (const engine of ['portable', 'epoll']) {
  const title = `userspace on ${engine}: the decision table`;
  test(title, { skip: missing ?? false, timeout: 120_000 }, async (t) => {
    const command = `${allLocal} && exec ${process.execPath} ${program} ${engine}`;
    const options = { maxBuffer: 1 << 26, signal: t.signal };
    const { stdout } = await run('unshare', ['-rn', 'sh', '-c', command], options);
    const met = new Map(
      stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as { title: string; of: string; meets: Tally })
        .map(({ title: node, of, meets }) => [`${node}: ${of}`, meets]),
    );
    for (const { title: node, plan, cases } of tableGroups()) {
      for (const one of cases) {
        if (whyNotOnSockets(plan, one) !== undefined) continue;
        await t.test(`${one.family}: ${one.title}`, () => {
          const { meets } = expectationOf(plan, one);
          const seen = met.get(`${node}: ${one.title}`) ?? {};
          assert.deepEqual(byEndpoint(seen), byEndpoint(onSockets(meets)), 'what its flows met');
        });
      }
    }
  });
}

type Tally = Readonly<Record<string, number>>;

/** Nobody is nowhere where every address is local: what no Service has refuses. */
function onSockets(meets: Tally): Tally {
  return 'passed' in meets ? { refused: meets['passed'] ?? 0 } : meets;
}

/** The backend sees the node, whoever the client is. */
function byEndpoint(meets: Tally): readonly (readonly [string, number])[] {
  return Object.entries(meets)
    .map(([met, count]) => [met.replace(/@.*/, ''), count] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

async function namespaceMissing(): Promise<string | undefined> {
  try {
    await run('unshare', ['-rn', 'sh', '-c', allLocal]);
    return undefined;
  } catch (error) {
    return `no network namespace of its own: ${String(error).split('\n')[0]}`;
  }
}
