/** What every engine must do to come to connections: connecting and listening. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRig, loopback, type Check } from './engine-rig.suite.ts';
import type { Connection } from './engine.ts';
import {
  connectTo,
  failureOf,
  freeAddress,
  readText,
  startDeafServer,
  startServer,
  until,
} from './testing.ts';

export function connectChecks(check: Check): void {
  check('both sides keep their connection alive', async (t, engine) => {
    if (!existsSync('/proc/net/tcp')) return t.skip('only Linux shows the timers of sockets');
    const { client, backend } = await (await createRig(t, engine)).open();
    await until(() => client.localPort !== undefined, 'the client knows its port');
    for (const peer of [client, backend]) {
      await until(() => keepsAlive(peer.remotePort, peer.localPort), 'a keep-alive timer runs');
    }
  });

  check('says who is who', async (t, engine) => {
    const backends = await startServer(t);
    const accepted = Promise.withResolvers<Connection>();
    const listener = await engine.listen(loopback, accepted.resolve);
    t.after(() => listener.close());
    const client = connectTo(t, listener.address);
    const taken = await accepted.promise;
    await until(() => client.localPort !== undefined, 'the client knows its port');
    assert.deepEqual(taken.local, listener.address);
    assert.deepEqual(taken.remote, { address: '127.0.0.1', port: client.localPort });
    const localAddress = '127.0.0.9';
    const out = await engine.connect(backends.address, { timeoutMs: 5000, localAddress });
    const socket = await backends.next();
    assert.deepEqual(out.remote, backends.address);
    assert.deepEqual(out.local, { address: localAddress, port: socket.remotePort });
    assert.equal(socket.remoteAddress, localAddress);
    out.destroy();
    taken.destroy();
  });

  check('a refused connect says so', async (_t, engine) => {
    const to = await freeAddress();
    await assert.rejects(engine.connect(to, { timeoutMs: 5000 }), {
      code: 'NET_REFUSED',
      message: `Cannot connect to ${to.address}:${to.port}: it refused the connection`,
    });
  });

  check('a connect nobody answers ends in time, or when it is given up', async (t, engine) => {
    const to = await startDeafServer(t);
    await assert.rejects(engine.connect(to, { timeoutMs: 50 }), { code: 'NET_TIMED_OUT' });
    const abort = new AbortController();
    const attempt = engine.connect(to, { timeoutMs: 60_000, signal: abort.signal });
    abort.abort();
    await assert.rejects(attempt, { code: 'NET_ABORTED' });
    const late = engine.connect(to, { timeoutMs: 60_000, signal: AbortSignal.abort() });
    await assert.rejects(late, { code: 'NET_ABORTED' });
  });
}

export function listenChecks(check: Check): void {
  check('an address in use, or of another host, is refused by name', async (t, engine) => {
    const first = await engine.listen(loopback, () => undefined);
    t.after(() => first.close());
    await assert.rejects(
      engine.listen(first.address, () => undefined),
      { code: 'NET_ADDRESS_IN_USE' },
    );
    // TEST-NET-3 (RFC 5737) belongs to nobody.
    await assert.rejects(
      engine.listen({ address: '203.0.113.7', port: 0 }, () => undefined),
      { code: 'NET_ADDRESS_NOT_AVAILABLE' },
    );
  });

  check('a closed listener frees its address and leaves its connections', async (t, engine) => {
    const rig = await createRig(t, engine);
    const { client, backend } = await rig.open();
    await rig.listener.close();
    await rig.listener.close();
    const again = await engine.listen(rig.listener.address, () => undefined);
    await again.close();
    client.write('still here');
    assert.equal(await readText(backend, 10), 'still here');
    assert.equal(await failureOf(connectTo(t, rig.listener.address)), 'ECONNREFUSED');
  });
}

/** The socket with these ports has a keep-alive timer (proc(5): `tr` is 2). */
function keepsAlive(localPort = 0, remotePort = 0): boolean {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(
      ([, local = '', remote = '', , , timer = '']) =>
        local.endsWith(`:${hex(localPort)}`) &&
        remote.endsWith(`:${hex(remotePort)}`) &&
        timer.startsWith('02:'),
    );
}
