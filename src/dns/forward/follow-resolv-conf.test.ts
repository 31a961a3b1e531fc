/** The host's resolv.conf while it changes: new servers are taken, and a file that is gone or empty takes none away. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { SocketAddress } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { createFakeClock } from '../../sys/index.ts';
import { createResolvConfFollower } from './follow-resolv-conf.ts';

const everyMs = 5_000;

async function rig(t: TestContext, first: string | undefined) {
  const clock = createFakeClock();
  const heard: (readonly SocketAddress[])[] = [];
  const file = { text: first };
  const follower = createResolvConfFollower({
    read: async () => {
      if (file.text === undefined) throw new Error('it is gone');
      return file.text;
    },
    clock,
    log: silentLogger,
    everyMs,
    onServers: (servers) => heard.push(servers),
  });
  await follower.start(new AbortController().signal);
  t.after(() => follower.stop());
  return { clock, heard, file, follower };
}

test('servers are known at the start, and again only when they are others', async (t) => {
  const { clock, heard, file } = await rig(t, 'nameserver 192.0.2.1\n');
  assert.deepEqual(heard, [[{ address: '192.0.2.1', port: 53 }]]);
  file.text = '# a comment\nnameserver 192.0.2.1\nsearch example.com\n';
  await clock.advance(everyMs);
  assert.equal(heard.length, 1);
  file.text = 'nameserver 192.0.2.2\nnameserver fd00::53\n';
  await clock.advance(everyMs - 1);
  assert.equal(heard.length, 1);
  await clock.advance(1);
  assert.deepEqual(heard[1], [
    { address: '192.0.2.2', port: 53 },
    { address: 'fd00::53', port: 53 },
  ]);
});

test('a file that is gone or empty for a while takes no server away', async (t) => {
  const { clock, heard, file, follower } = await rig(t, 'nameserver 192.0.2.1\n');
  for (const text of [undefined, '', 'search example.com\n']) {
    file.text = text;
    await clock.advance(everyMs);
  }
  assert.equal(heard.length, 1);
  file.text = undefined;
  await clock.advance(everyMs);
  assert.match(follower.status().detail ?? '', /keeping 192\.0\.2\.1:53: it is gone/);
  file.text = 'nameserver 192.0.2.3\n';
  await clock.advance(everyMs);
  assert.equal(heard.length, 2);
});

test('a host without resolv.conf starts all the same', async (t) => {
  const { clock, heard, file } = await rig(t, undefined);
  assert.deepEqual(heard, []);
  file.text = 'nameserver 192.0.2.1\n';
  await clock.advance(everyMs);
  assert.equal(heard.length, 1);
});
