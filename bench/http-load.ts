/** Loads for HTTP proxies: raw clients and backends in this process, so that the proxy is what is measured. */
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Way } from './http-configs.ts';
import { host, inLanes, startServers, type Backends } from './proxy-rig.ts';

const headEnd = Buffer.from('\r\n\r\n');

/** Backends that answer each request with a body of so many bytes, as the path says: `/40`. */
export const startHttpBackends = (count: number): Promise<Backends> => startServers(count, serve);

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
  socket.on('data', (bytes: Buffer) => {
    for (let at = bytes.indexOf(headEnd); at >= 0; at = bytes.indexOf(headEnd, at + 4)) {
      const line = bytes.toString('latin1', 5, 12);
      socket.write(answerOf(Number.parseInt(line, 10)));
    }
  });
}

export interface LoadOptions {
  readonly way: Way;
  readonly count: number;
  /** Requests under way at a time: a connection each, or a stream of one of few connections. */
  readonly lanes: number;
  readonly bodyBytes: number;
  /** What the proxy said when it was first asked, as the client repeats it. */
  readonly cookie: string;
}

/** `count` requests over connections that stay open. Returns how long each took, in milliseconds. */
export async function httpLoad(port: number, options: LoadOptions): Promise<Float64Array> {
  const run = { times: new Float64Array(options.count), started: 0, done: 0 };
  if (options.way === 'h2c') await streamLoad(port, options, run);
  else {
    await inLanes(options.lanes, () => socketLane(open(port, options.way), options, run));
  }
  if (run.done !== options.count)
    throw new Error(`${run.done} of ${options.count} requests were answered`);
  return run.times;
}

interface Run {
  readonly times: Float64Array;
  started: number;
  done: number;
}

function open(port: number, way: Way): Socket {
  if (way === 'http') return connect({ port, host, noDelay: true });
  const socket = connectTls({ port, host, rejectUnauthorized: false });
  socket.setNoDelay(true);
  return socket;
}

async function socketLane(socket: Socket, options: LoadOptions, run: Run): Promise<void> {
  const { bodyBytes, count } = options;
  const request = requestOf(options);
  let want = -1;
  let got = 0;
  let since = 0;
  const next = (): void => {
    if (run.started >= count) return void socket.end();
    run.started++;
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
    run.times[run.done++] = performance.now() - since;
    next();
  });
  await once(socket, options.way === 'http' ? 'connect' : 'secureConnect');
  next();
  await once(socket, 'close');
}

/** The first words of an answer are in its first piece, which is whole enough. */
function isOk(bytes: Buffer, before: number): boolean {
  return before > 0 || bytes[9] === 50;
}

function requestOf({ bodyBytes, cookie }: LoadOptions): Buffer {
  return Buffer.from(
    `GET /${bodyBytes} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nCookie: theme=dark; ${cookie}\r\n\r\n`,
  );
}

/** Streams of one connection, as a browser or a gRPC client has. */
const streamsPerConnection = 64;

async function streamLoad(port: number, options: LoadOptions, run: Run): Promise<void> {
  const { lanes } = options;
  const sessions = Array.from({ length: Math.ceil(lanes / streamsPerConnection) }, () =>
    connectHttp2(`http://${host}:${port}`),
  );
  const lane = async (i: number): Promise<void> => {
    const session = sessions[i % sessions.length];
    while (session !== undefined && run.started < options.count) {
      run.started++;
      const since = performance.now();
      await streamOnce(session, options);
      run.times[run.done++] = performance.now() - since;
    }
  };
  try {
    await inLanes(lanes, lane);
  } finally {
    for (const session of sessions) session.close();
  }
}

async function streamOnce(
  session: ClientHttp2Session,
  { bodyBytes, cookie }: LoadOptions,
): Promise<void> {
  const stream = session.request({
    ':path': `/${bodyBytes}`,
    ':authority': 'shop.example',
    'user-agent': 'bench/1.0',
    accept: '*/*',
    'accept-encoding': 'gzip',
    cookie: `theme=dark; ${cookie}`,
  });
  let got = 0;
  stream.on('response', (head) => {
    if (head[':status'] !== 200) stream.destroy(new Error('not 200'));
  });
  stream.on('data', (piece: Buffer) => (got += piece.length));
  await once(stream, 'end');
  if (got !== bodyBytes) throw new Error(`${got} of ${bodyBytes} bytes came`);
}

/** The session cookie a proxy gives, as a client sends it back; one of the same length where there is none. */
export async function cookieOf(port: number): Promise<string> {
  const socket = connect({ port, host });
  const cookie = 'SRV=s0';
  socket.write(requestOf({ way: 'http', count: 1, lanes: 1, bodyBytes: 40, cookie: 'none=1' }));
  const [bytes]: unknown[] = await once(socket, 'data');
  socket.destroy();
  return /^set-cookie: (SRV=[^;\r]+)/im.exec(String(bytes))?.[1] ?? cookie;
}
