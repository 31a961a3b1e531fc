/** The portable engine against the suite every engine passes, and what only node:net can get wrong. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { engineSuite } from './engine.suite.ts';
import { replaySuite } from './replay.suite.ts';
import { failureOf, openSockets, startServer, until } from './testing.ts';
import { PortableConnection } from './portable-connection.ts';
import { createPortableEngine } from './portable.ts';

engineSuite('portable', createPortableEngine);
replaySuite('portable', createPortableEngine);

test(
  'a reset in the same turn as a half-close still frees the descriptor',
  { timeout: 5000 },
  async (t) => {
    const backends = await startServer(t);
    const before = openSockets();
    const engine = createPortableEngine();
    const connection = await engine.connect(backends.address, { timeoutMs: 5000 });
    assert.ok(connection instanceof PortableConnection);
    const peer = await backends.next();
    const closed = new Promise<void>((resolve) => connection.onClosed(resolve));
    connection.socket.end();
    connection.destroy('reset');
    await closed;
    // The end comes first, so the peer may have ended as well before the reset reaches it.
    await failureOf(peer);
    await until(() => openSockets() <= before, 'every socket is closed');
  },
);
