/**
 * What every UdpEngine must do, proved with real sockets. Peers are plain node:dgram, so that the engine under
 * test is never its own witness.
 */
import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { familyOf, type SocketAddress } from '../../model/index.ts';
import type { NetError } from './errors.ts';
import { hasAddress, until } from './testing.ts';
import type { UdpEngine, UdpListener, UdpPeer } from './udp.ts';

const loopback: SocketAddress = { address: '127.0.0.1', port: 0 };
const slow = { timeout: 20_000 } as const;

interface Received {
  readonly text: string;
  readonly length: number;
  readonly source: SocketAddress;
}

export function udpSuite(name: string, create: () => UdpEngine): void {
  const check = (what: string, run: (t: TestContext, engine: UdpEngine) => Promise<void>): void => {
    test(`${name} UDP: ${what}`, slow, (t) => run(t, create()));
  };

  for (const address of ['127.0.0.1', '::1']) {
    check(
      `a listener knows its clients and answers from its own address (${address})`,
      async (t, engine) => {
        if (!(await hasAddress(address))) return t.skip(`this host does not have ${address}`);
        const { listener, received } = await listenAt(t, engine, { address, port: 0 });
        const client = await plainSocket(t, address);
        client.send('question', listener.address.port, address);
        await until(() => received.length === 1, 'the question came');
        const from = { address, port: client.address().port };
        assert.deepEqual(received[0], { text: 'question', length: 8, source: from });
        const answer = nextMessage(client);
        listener.send(Buffer.from('answer'), from);
        const [bytes, info] = await answer;
        assert.equal(String(bytes), 'answer');
        assert.deepEqual({ address: info.address, port: info.port }, listener.address);
      },
    );

    check(`a peer hears its answers and nobody else (${address})`, async (t, engine) => {
      if (!(await hasAddress(address))) return t.skip(`this host does not have ${address}`);
      const backend = await plainSocket(t, address);
      const { peer, heard, failures } = connectTo(t, engine, addressOf(backend));
      const asked = nextMessage(backend);
      peer.send(Buffer.from('at once'));
      const [bytes, info] = await asked;
      assert.equal(String(bytes), 'at once');
      const stranger = await plainSocket(t, address);
      stranger.send('not me', info.port, address);
      backend.send('me', info.port, address);
      await until(() => heard.length > 0, 'the answer came');
      assert.deepEqual([heard, failures], [['me'], []]);
    });
  }

  check('carries datagrams of no bytes and of the most there can be', async (t, engine) => {
    const { listener, received } = await listenAt(t, engine, loopback);
    const { peer, failures } = connectTo(t, engine, listener.address);
    for (const length of [0, 1, 1472, 65_507]) {
      peer.send(Buffer.alloc(length, 7));
      await until(() => received.at(-1)?.length === length, `${length} bytes came`);
    }
    assert.deepEqual(failures, []);
  });

  check('loses what is too large for a datagram, and goes on', async (t, engine) => {
    const { listener, received } = await listenAt(t, engine, loopback);
    const { peer, heard, failures } = connectTo(t, engine, listener.address);
    peer.send(Buffer.alloc(70_000));
    peer.send(Buffer.from('small'));
    await until(() => received.length > 0, 'the small one came');
    assert.equal(received[0]?.text, 'small');
    const { source } = received[0];
    listener.send(Buffer.alloc(70_000), source);
    listener.send(Buffer.from('answer'), { ...source, port: 0 });
    listener.send(Buffer.from('answer'), source);
    await until(() => heard.length > 0, 'the answer came');
    assert.deepEqual([heard, failures], [['answer'], []]);
  });

  check(
    'a peer nobody serves refuses, once, and what was not sent comes back',
    async (t, engine) => {
      const gone = await plainSocket(t, '127.0.0.1');
      const to = addressOf(gone);
      gone.close();
      await once(gone, 'close');
      const { peer, failures, unsent } = connectTo(t, engine, to);
      peer.send(Buffer.from('first'));
      await until(() => failures.length > 0, 'the refusal came');
      peer.send(Buffer.from('after the end'));
      await turns(20);
      assert.deepEqual(
        failures.map(({ code }) => code),
        ['NET_REFUSED'],
      );
      assert.equal(
        failures[0]?.message,
        `Cannot send to ${to.address}:${to.port}: it refused the connection`,
      );
      assert.deepEqual(unsent, []);

      // A refusal that is pending when the next datagram is sent takes its place: that one never left.
      const late = connectTo(t, engine, to);
      late.peer.send(Buffer.from('one'));
      late.peer.send(Buffer.from('two'));
      await until(() => late.failures.length > 0, 'the refusal came');
      assert.deepEqual(
        late.failures.map(({ code }) => code),
        ['NET_REFUSED'],
      );
      assert.ok(late.unsent.length <= 1, `unsent: ${late.unsent.join(', ')}`);
    },
  );

  check('a listener outlives clients that are gone', async (t, engine) => {
    const { listener, received } = await listenAt(t, engine, loopback);
    const gone = await plainSocket(t, '127.0.0.1');
    const nobody = addressOf(gone);
    gone.close();
    await once(gone, 'close');
    for (let i = 0; i < 5; i++) listener.send(Buffer.from('anybody?'), nobody);
    const client = await plainSocket(t, '127.0.0.1');
    client.send('still there?', listener.address.port, '127.0.0.1');
    await until(() => received.length === 1, 'it still receives');
  });

  check('an address in use, or of another host, is refused by name', async (t, engine) => {
    const { listener } = await listenAt(t, engine, loopback);
    const bind = (at: SocketAddress): Promise<UdpListener> => engine.bind(at, () => undefined);
    await assert.rejects(bind(listener.address), { code: 'NET_ADDRESS_IN_USE' });
    // TEST-NET-3 (RFC 5737) belongs to nobody.
    await assert.rejects(bind({ address: '203.0.113.7', port: 0 }), {
      code: 'NET_ADDRESS_NOT_AVAILABLE',
    });
  });

  check('what is closed is silent and frees its place', async (t, engine) => {
    const { listener, received } = await listenAt(t, engine, loopback);
    const { peer, heard, failures } = connectTo(t, engine, listener.address);
    peer.send(Buffer.from('hello'));
    await until(() => received.length === 1, 'it came');
    listener.send(Buffer.from('too late'), received[0]!.source);
    peer.close();
    peer.close();
    peer.send(Buffer.from('nothing'));
    await listener.close();
    await listener.close();
    listener.send(Buffer.from('nothing'), received[0]!.source);
    const again = await listenAt(t, engine, listener.address);
    assert.deepEqual(again.listener.address, listener.address);
    await turns(20);
    assert.deepEqual([heard, failures, again.received], [[], [], []]);
  });
}

async function listenAt(
  t: TestContext,
  engine: UdpEngine,
  at: SocketAddress,
): Promise<{ readonly listener: UdpListener; readonly received: Received[] }> {
  const received: Received[] = [];
  const listener = await engine.bind(at, (bytes, source) =>
    received.push({ text: Buffer.from(bytes).toString(), length: bytes.length, source }),
  );
  t.after(() => listener.close());
  return { listener, received };
}

interface Connected {
  readonly peer: UdpPeer;
  readonly heard: string[];
  readonly failures: NetError[];
  readonly unsent: string[];
}

function connectTo(t: TestContext, engine: UdpEngine, to: SocketAddress): Connected {
  const heard: string[] = [];
  const failures: NetError[] = [];
  const unsent: string[] = [];
  const peer = engine.connect(to, {
    onDatagram: (bytes) => heard.push(Buffer.from(bytes).toString()),
    onFailed: (error, left) => {
      failures.push(error);
      unsent.push(...left.map((bytes) => Buffer.from(bytes).toString()));
    },
  });
  t.after(() => peer.close());
  return { peer, heard, failures, unsent };
}

async function plainSocket(t: TestContext, address: string): Promise<Socket> {
  const socket = createSocket(familyOf(address) === 'IPv6' ? 'udp6' : 'udp4');
  let open = true;
  socket.once('close', () => (open = false));
  t.after(() => {
    if (open) socket.close();
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

function addressOf(socket: Socket): SocketAddress {
  const { address, port } = socket.address();
  return { address, port };
}

async function nextMessage(socket: Socket): Promise<[Buffer, RemoteInfo]> {
  return (await once(socket, 'message')) as [Buffer, RemoteInfo];
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
