/** One question to one server: UDP from a port of its own, TCP when the answer does not fit. */
import { randomInt } from 'node:crypto';
import {
  headerFlags,
  read16,
  scanQuestion,
  write16,
  type DnsQuestion,
} from '../../codec/dns/index.ts';
import { familyOf, type SocketAddress } from '../../model/index.ts';
import { NetError, openDatagrams, openStream } from '../../sys/net/index.ts';

export interface Asking {
  readonly question: DnsQuestion;
  /** The query; its id is replaced by one nobody can guess. */
  readonly query: Uint8Array;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** The server's response; undefined when none came in time. Never rejects. */
export async function exchange(to: SocketAddress, asking: Asking): Promise<Buffer | undefined> {
  const query = Uint8Array.from(asking.query);
  write16(query, 0, randomInt(0x1_0000));
  const given = AbortSignal.any([asking.signal, AbortSignal.timeout(asking.timeoutMs)]);
  try {
    const answer = await overUdp(to, { ...asking, query, signal: given });
    if (answer === undefined || (read16(answer, 2) & headerFlags.truncated) === 0) return answer;
    // What was cut off is better than nothing.
    return (await overTcp(to, { ...asking, query, signal: given })) ?? answer;
  } catch (thrown) {
    if (thrown instanceof NetError) return undefined;
    throw thrown;
  }
}

async function overUdp(to: SocketAddress, asking: Asking): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const any = familyOf(to.address) === 'IPv4' ? '0.0.0.0' : '::';
  const socket = await openDatagrams({ address: any, port: 0 }, (bytes, from) => {
    // Anybody can send here: only the server asked may answer, and only this question.
    const isFrom = from.address === to.address && from.port === to.port;
    if (isFrom && isAnswer(bytes, asking)) resolve(Buffer.from(bytes));
  });
  try {
    if (asking.signal.aborted) return undefined;
    asking.signal.addEventListener('abort', () => resolve(undefined), { once: true });
    socket.send(asking.query, to);
    return await promise;
  } finally {
    await socket.close();
  }
}

async function overTcp(to: SocketAddress, asking: Asking): Promise<Buffer | undefined> {
  const { signal, timeoutMs, query } = asking;
  const stream = await openStream(to, { timeoutMs, signal });
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  let held: Buffer = Buffer.alloc(0);
  const onAbort = (): void => stream.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  stream.start({
    onBytes: (bytes) => {
      held = Buffer.concat([held, bytes]);
      if (held.length < 2 || held.length < 2 + read16(held, 0)) return;
      const answer = held.subarray(2, 2 + read16(held, 0));
      resolve(isAnswer(answer, asking) ? answer : undefined);
    },
    onEnd: () => resolve(undefined),
    onClosed: () => resolve(undefined),
  });
  const frame = new Uint8Array(2 + query.length);
  write16(frame, 0, query.length);
  frame.set(query, 2);
  stream.write(frame);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    stream.destroy();
  }
}

function isAnswer(bytes: Uint8Array, { query, question }: Asking): boolean {
  const got = scanQuestion(bytes);
  return (
    got !== undefined &&
    read16(bytes, 0) === read16(query, 0) &&
    (read16(bytes, 2) & headerFlags.response) !== 0 &&
    got.name.toLowerCase() === question.name.toLowerCase() &&
    got.type === question.type &&
    got.class === question.class
  );
}
