/** Loads for HTTP proxies: raw clients and backends in this process, so that the proxy is what is measured. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { host } from './tcp-proxies.ts';

const headEnd = Buffer.from('\r\n\r\n');

/** Backends that answer each request with a body of so many bytes, as the path says: `/40`. */
export async function startHttpBackends(
  count: number,
): Promise<{ readonly ports: readonly number[]; close(): void }> {
  const servers: Server[] = [];
  const ports: number[] = [];
  for (let i = 0; i < count; i++) {
    const server = createServer({ noDelay: true }, serve);
    server.listen({ port: 0, host, backlog: 4096 });
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) ports.push(address.port);
    servers.push(server);
  }
  return { ports, close: () => servers.forEach((server) => server.close()) };
}

const answers = new Map<number, Buffer>();

function answerOf(size: number): Buffer {
  let answer = answers.get(size);
  if (answer === undefined) {
    const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: bench\r\nContent-Length: ${size}\r\n\r\n`;
    answer = Buffer.concat([Buffer.from(head), Buffer.alloc(size, 'a')]);
    answers.set(size, answer);
  }
  return answer;
}

function serve(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.on('data', (bytes: Buffer) => {
    for (let at = bytes.indexOf(headEnd); at >= 0; at = bytes.indexOf(headEnd, at + 4)) {
      const line = bytes.toString('latin1', 5, 12);
      socket.write(answerOf(Number.parseInt(line, 10)));
    }
  });
}

export interface LoadOptions {
  readonly count: number;
  readonly lanes: number;
  readonly bodyBytes: number;
}

/** `count` requests over `lanes` connections that stay open. Returns how long each took, in milliseconds. */
export async function httpLoad(port: number, options: LoadOptions): Promise<Float64Array> {
  const { count, lanes, bodyBytes } = options;
  const request = Buffer.from(
    `GET /${bodyBytes} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nCookie: theme=dark; SRV=s0\r\n\r\n`,
  );
  const times = new Float64Array(count);
  let started = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    const socket = connect({ port, host, noDelay: true });
    let want = -1;
    let got = 0;
    let since = 0;
    const next = (): void => {
      if (started >= count) return void socket.end();
      started++;
      since = performance.now();
      socket.write(request);
    };
    socket.on('data', (bytes: Buffer) => {
      if (want < 0) want = bytes.indexOf(headEnd) + 4 + bodyBytes;
      got += bytes.length;
      if (got < want) return;
      if (!isOk(bytes, got - bytes.length)) return void socket.destroy(new Error('not 200'));
      got = 0;
      want = -1;
      times[done++] = performance.now() - since;
      next();
    });
    await once(socket, 'connect');
    next();
    await once(socket, 'close');
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (done !== count) throw new Error(`${done} of ${count} requests were answered`);
  return times;
}

function isOk(bytes: Buffer, before: number): boolean {
  return before > 0 || bytes[9] === 50;
}
