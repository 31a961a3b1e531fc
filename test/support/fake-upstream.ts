/**
 * A name server outside of the cluster, for tests: knows two names of partner.example and denies the rest. Run as a
 * program it prints where it listens and serves until it is ended.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import process from 'node:process';
import { decodeMessage, encodeMessage, type DnsMessage } from '../../src/codec/dns/index.ts';

const known: Readonly<Record<string, string>> = {
  'www.partner.example': '192.0.2.80',
  'partner.example': '192.0.2.1',
};

export interface FakeUpstream {
  /** `ADDRESS:PORT`. */
  readonly at: string;
  close(): void;
}

export async function startFakeUpstream(address: string): Promise<FakeUpstream> {
  const socket: Socket = createSocket('udp4');
  socket.on('message', (bytes, from) => {
    const query = decodeMessage(bytes);
    if (query !== undefined) socket.send(encodeMessage(answerTo(query)), from.port, from.address);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  return { at: `${address}:${socket.address().port}`, close: () => socket.close() };
}

function answerTo(query: DnsMessage): DnsMessage {
  const [question] = query.questions;
  const name = question?.name.toLowerCase() ?? '';
  const ip = known[name];
  const shared = { ...query, flags: 0x8180, additionals: [] };
  if (ip !== undefined && question?.type === 1) {
    const data = { kind: 'A', address: ip } as const;
    return { ...shared, answers: [{ name, type: 1, class: 1, ttlSeconds: 60, data }] };
  }
  const data = {
    kind: 'SOA',
    primary: 'ns.example',
    mailbox: 'root.example',
    serial: 1,
    refreshSeconds: 1,
    retrySeconds: 1,
    expireSeconds: 1,
    negativeTtlSeconds: 60,
  } as const;
  const authorities = [{ name: 'example', type: 6, class: 1, ttlSeconds: 60, data }];
  return { ...shared, flags: ip === undefined ? 0x8183 : 0x8180, authorities };
}

if (import.meta.main) {
  const upstream = await startFakeUpstream(process.argv[2] ?? '127.0.0.1');
  process.stdout.write(`Upstream at ${upstream.at}\n`);
}
