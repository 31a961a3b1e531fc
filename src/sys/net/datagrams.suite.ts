/**
 * What every way of Datagrams must do, proved with real sockets. Clients are plain node:dgram, so that what is under
 * test is never its own witness.
 */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { familyOf, type SocketAddress } from '../../model/index.ts';
import type { DatagramListener, Datagrams, OpenDatagrams } from './datagrams.ts';
import { hasAddress, until } from './testing.ts';

const here = '127.0.68.1';
const slow = { timeout: 20_000 } as const;

export function datagramsSuite(name: string, create: () => Promise<OpenDatagrams>): void {
  const check = (what: string, run: (t: TestContext, open: OpenDatagrams) => Promise<void>): void =>
    void test(`${name} datagrams: ${what}`, slow, async (t) => run(t, await create()));

  for (const address of [here, '::1']) {
    check(`each question is answered to whoever asked it (${address})`, async (t, open) => {
      if (!(await hasAddress(address))) return t.skip(`this host does not have ${address}`);
      const server = await listen(t, open, { address }, (bytes, from) =>
        server.send(Buffer.concat([Buffer.from(`${from.port} `), bytes]), from),
      );
      const clients = await Promise.all(Array.from({ length: 3 }, () => client(t, address)));
      // More than are taken at once, by several at once.
      for (let i = 0; i < 200; i++) clients[i % 3]?.ask(`q${i}`, server.address);
      await until(() => sum(clients) === 200, 'every answer came');
      for (const [nth, { heard, port }] of clients.entries()) {
        const own = Array.from({ length: 200 }, (_, i) => i).filter((i) => i % 3 === nth);
        assert.deepEqual(
          heard,
          own.map((i) => `${port} q${i}`),
        );
      }
    });

    check(`a sender is an address like any other, also later (${address})`, async (t, open) => {
      if (!(await hasAddress(address))) return t.skip(`this host does not have ${address}`);
      const senders: SocketAddress[] = [];
      const server = await listen(t, open, { address }, (_, from) => void senders.push(from));
      const one = await client(t, address);
      one.ask('who am I', server.address);
      await until(() => senders.length === 1, 'the question came');
      const [from] = senders;
      assert.ok(from);
      assert.deepEqual([from.address, from.port], [address, one.port]);
      // Others are received meanwhile; the first is still the first.
      const other = await client(t, address);
      other.ask('and I', server.address);
      await until(() => senders.length === 2, 'the other came');
      server.send(Buffer.from('first'), from);
      server.send(Buffer.from('by text'), { address, port: one.port });
      await until(() => one.heard.length === 2, 'both answers came');
      assert.deepEqual([one.heard, other.heard], [['first', 'by text'], []]);
    });
  }

  check('sizes from nothing to the largest come whole', async (t, open) => {
    const sizes: number[] = [];
    const server = await listen(t, open, {}, (bytes, from) => {
      assert.ok(bytes.every((byte) => byte === bytes.length % 251));
      sizes.push(bytes.length);
      server.send(bytes, from);
    });
    const { socket, port } = await client(t, here);
    const back: number[] = [];
    socket.on('message', (bytes) => back.push(bytes.length));
    const wanted = [0, 1, 512, 1_232, 4_096, 30_000, 65_507];
    for (const size of wanted) {
      socket.send(Buffer.alloc(size, size % 251), server.address.port, here);
      await until(() => back.length === wanted.indexOf(size) + 1, `the ${size} bytes came back`);
    }
    assert.deepEqual([sizes, back], [wanted, wanted]);
    assert.ok(port > 0);
  });

  check('many large answers at once go out in order', async (t, open) => {
    const server = await listen(t, open, {}, (_, from) => {
      for (let i = 0; i < 12; i++) server.send(Buffer.alloc(50_000, i), from);
    });
    const { socket } = await client(t, here);
    socket.setRecvBufferSize(4 * 1024 * 1024);
    const heard: number[] = [];
    socket.on('message', (bytes) => heard.push(bytes[0] ?? -1));
    socket.send('all', server.address.port, here);
    // The kernel may drop what the client's buffer does not hold, but turns none around.
    await until(() => heard.length >= 3, 'some came');
    assert.deepEqual(
      heard,
      heard.toSorted((a, b) => a - b),
    );
  });

  check('what the system refuses is lost alone', async (t, open) => {
    const server = await listen(t, open, {}, (_, from) => {
      server.send(Buffer.alloc(65_530), from);
      server.send(Buffer.alloc(100_000), from);
      server.send(Buffer.from('nobody'), { ...from, address: here, port: 0 });
      server.send(Buffer.from('answer'), from);
    });
    const one = await client(t, here);
    one.ask('question', server.address);
    await until(() => one.heard.length === 1, 'the answer came');
    assert.deepEqual(one.heard, ['answer']);
  });

  check('a listener outlives clients that are gone', async (t, open) => {
    const gone = await client(t, here);
    gone.socket.close();
    await once(gone.socket, 'close');
    const server = await listen(t, open, {}, (bytes, from) => server.send(bytes, from));
    for (let i = 0; i < 5; i++) {
      server.send(Buffer.from('anybody?'), { address: here, port: gone.port });
    }
    const one = await client(t, here);
    one.ask('still there?', server.address);
    await until(() => one.heard.length === 1, 'it still answers');
  });

  check(
    'closing in the middle of a burst ends it there, and frees the address',
    async (t, open) => {
      let calls = 0;
      const server = await listen(t, open, {}, (bytes, from) => {
        calls++;
        server.send(bytes, from);
        void server.close();
        server.send(Buffer.from('too late'), from);
      });
      const one = await client(t, here);
      for (let i = 0; i < 10; i++) one.ask(`q${i}`, server.address);
      await until(() => calls > 0, 'the first came');
      await server.close();
      const again = await listen(t, open, { port: server.address.port }, (_, from) =>
        again.send(Buffer.from('again'), from),
      );
      one.ask('and now?', again.address);
      await until(() => one.heard.includes('again'), 'the next one answers');
      assert.equal(calls, 1);
      assert.ok(!one.heard.includes('too late'));
    },
  );

  check(
    'an address in use, of another host, or none at all is refused by name',
    async (t, open) => {
      const server = await listen(t, open, {}, () => undefined);
      const refused = (at: SocketAddress, code: string): Promise<void> =>
        assert.rejects(
          open(at, () => undefined),
          { code },
        );
      await refused(server.address, 'NET_ADDRESS_IN_USE');
      // TEST-NET-3 (RFC 5737) belongs to nobody.
      await refused({ address: '203.0.113.7', port: 0 }, 'NET_ADDRESS_NOT_AVAILABLE');
    },
  );
}

async function listen(
  t: TestContext,
  open: OpenDatagrams,
  at: Partial<SocketAddress>,
  onDatagram: DatagramListener,
): Promise<Datagrams> {
  const server = await open({ address: here, port: 0, ...at }, onDatagram);
  t.after(() => server.close());
  return server;
}

interface Client {
  readonly socket: Socket;
  readonly port: number;
  readonly heard: string[];
  ask(text: string, to: SocketAddress): void;
}

async function client(t: TestContext, address: string): Promise<Client> {
  const socket = createSocket(familyOf(address) === 'IPv6' ? 'udp6' : 'udp4');
  let open = true;
  socket.once('close', () => (open = false));
  t.after(() => {
    if (open) socket.close();
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  const heard: string[] = [];
  socket.on('message', (bytes) => heard.push(String(bytes)));
  return {
    socket,
    port: socket.address().port,
    heard,
    ask: (text, to) => socket.send(text, to.port, to.address),
  };
}

const sum = (clients: readonly Client[]): number =>
  clients.reduce((total, { heard }) => total + heard.length, 0);
