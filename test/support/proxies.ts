/** Proxies on the way to an API, for tests: HTTP CONNECT and SOCKS5, each remembering where it was asked to go. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface TestProxyServer {
  readonly url: string;
  /** `127.0.0.1:6443`, one for each connection. */
  readonly asked: readonly string[];
}

const address = '127.0.0.215';

/** Refuses everything with this status when one is given. */
export async function connectProxy(t: TestContext, refuse?: number): Promise<TestProxyServer> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createHttpServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, socket: Socket, head) => {
    sockets.add(socket);
    asked.push(request.url ?? '');
    if (refuse !== undefined) {
      return void socket.end(`HTTP/1.1 ${refuse} No\r\ncontent-length: 0\r\n\r\n`);
    }
    const { hostname, port } = new URL(`http://${request.url}`);
    const far = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) far.write(head);
      join(socket, far);
    });
    sockets.add(far);
    far.on('error', () => socket.destroy());
  });
  const at = await listening(t, server, sockets);
  return { url: `http://${at}`, asked };
}

export async function socksProxy(t: TestContext): Promise<TestProxyServer> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let heard = Buffer.alloc(0);
    let isGreeted = false;
    const hear = (bytes: Buffer): void => {
      heard = Buffer.concat([heard, bytes]);
      const greeting = 2 + (heard[1] ?? 0);
      if (!isGreeted && heard.length >= greeting) {
        isGreeted = true;
        heard = heard.subarray(greeting);
        socket.write(Buffer.from([5, 0]));
      }
      // An address of IPv4: RFC 1928, 4.
      if (!isGreeted || heard.length < 10) return;
      socket.off('data', hear);
      const host = heard.subarray(4, 8).join('.');
      const port = heard.readUInt16BE(8);
      asked.push(`${host}:${port}`);
      const far = connect(port, host, () => {
        socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
        join(socket, far);
      });
      sockets.add(far);
      far.on('error', () => socket.destroy());
    };
    socket.on('data', hear);
  });
  const at = await listening(t, server, sockets);
  return { url: `socks5://${at}`, asked };
}

function join(near: Socket, far: Socket): void {
  near.on('error', () => far.destroy());
  near.pipe(far);
  far.pipe(near);
}

async function listening(
  t: TestContext,
  server: ReturnType<typeof createServer>,
  sockets: ReadonlySet<Socket>,
): Promise<string> {
  server.listen(0, address);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `${address}:${(server.address() as AddressInfo).port}`;
}
