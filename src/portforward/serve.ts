/** Port-forward from the server's side: a client's connections carried to the ports of one Pod of this host. */
import { webSocketAcceptKey } from '../codec/websocket/index.ts';
import { messageOf, type Clock } from '../model/index.ts';
import type { ByteStream } from '../sys/net/index.ts';
import { channelTunnel } from './channel-tunnel.ts';
import { plainLink, webSocketLink, type Link } from './link.ts';
import {
  channelProtocol,
  fieldNames,
  spdyProtocol,
  spdyUpgrade,
  tunnelProtocol,
} from './protocols.ts';
import { SpdySession, type SpdyStream } from './spdy-session.ts';
import { joinTunnel, type TunnelEvents } from './tunnel.ts';

export interface PortForwardTarget {
  /** For what is said of failures. */
  readonly pod: string;
  /** Connects to a port of the Pod. */
  readonly open: (port: number) => Promise<ByteStream>;
  readonly clock: Clock;
}

/** What a request for port-forward asks for. */
export interface PortForwardUpgrade {
  /** Of the answer with status 101. */
  readonly headers: Readonly<Record<string, string>>;
  serve(stream: ByteStream, target: PortForwardTarget): void;
}

/** How long a connection may be half asked for. */
const pairMs = 30_000;

/** Undefined when the request asks for nothing that is spoken here. */
export function portForwardUpgrade(
  header: (name: string) => string | undefined,
  ports: readonly number[],
): PortForwardUpgrade | undefined {
  const upgrade = header('upgrade')?.toLowerCase();
  if (upgrade === spdyUpgrade.toLowerCase()) {
    if (!namesIn(header('x-stream-protocol-version')).includes(spdyProtocol)) return undefined;
    return {
      headers: {
        connection: 'Upgrade',
        upgrade: spdyUpgrade,
        'x-stream-protocol-version': spdyProtocol,
      },
      serve: (stream, target) => serveSpdy(plainLink(stream), target),
    };
  }
  const key = header('sec-websocket-key');
  if (upgrade !== 'websocket' || key === undefined) return undefined;
  const offered = namesIn(header('sec-websocket-protocol'));
  const [port] = ports;
  const isTunnel = offered.includes(tunnelProtocol);
  if (!isTunnel && (!offered.includes(channelProtocol) || port === undefined)) return undefined;
  return {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-accept': webSocketAcceptKey(key),
      'sec-websocket-protocol': isTunnel ? tunnelProtocol : channelProtocol,
    },
    serve: (stream, target) => {
      const link = webSocketLink(stream, 'server');
      if (isTunnel) serveSpdy(link, target);
      else void serveChannels(link, target, port ?? 0);
    },
  };
}

function namesIn(header: string | undefined): readonly string[] {
  return (header ?? '').split(',').map((name) => name.trim());
}

async function serveChannels(link: Link, target: PortForwardTarget, port: number): Promise<void> {
  const tunnel = channelTunnel(link, { side: 'server', port });
  try {
    await joinTunnel(await target.open(port), tunnel);
  } catch (thrown) {
    tunnel.start(unheard);
    tunnel.fail(failure(target, port, thrown));
  }
}

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
}

function serveSpdy(link: Link, target: PortForwardTarget): void {
  const pairs = new Map<string, Pair>();
  const closing = new AbortController();
  const session = new SpdySession(link, {
    side: 'server',
    onClosed: () => closing.abort(),
    onStream: (stream) => {
      const kind = stream.fields.get(fieldNames.kind);
      const request = stream.fields.get(fieldNames.request) ?? '';
      const port = Number(stream.fields.get(fieldNames.port));
      const pair = pairs.get(request) ?? {};
      const isFree = (kind === 'data' || kind === 'error') && pair[kind] === undefined;
      if (!isFree || !Number.isInteger(port) || port < 1 || port > 65_535) return stream.destroy();
      pair[kind] = stream;
      pairs.set(request, pair);
      stream.accept();
      const { data, error } = pair;
      if (data === undefined || error === undefined) {
        void forgetLate(request, { pairs, pair, clock: target.clock, signal: closing.signal });
        return;
      }
      pairs.delete(request);
      void carry(target, port, { data, error });
    },
  });
  closing.signal.addEventListener('abort', () => session.close(), { once: true });
}

async function forgetLate(
  request: string,
  {
    pairs,
    pair,
    clock,
    signal,
  }: {
    readonly pairs: Map<string, Pair>;
    readonly pair: Pair;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  await clock.sleep(pairMs, signal);
  if (signal.aborted || pairs.get(request) !== pair) return;
  pairs.delete(request);
  pair.data?.destroy();
  pair.error?.destroy();
}

async function carry(
  target: PortForwardTarget,
  port: number,
  { data, error }: Required<Pair>,
): Promise<void> {
  error.start(unheard);
  try {
    await joinTunnel(await target.open(port), data);
  } catch (thrown) {
    error.write(Buffer.from(failure(target, port, thrown)));
    data.start(unheard);
    data.end();
  }
  error.end();
}

function failure({ pod }: PortForwardTarget, port: number, thrown: unknown): string {
  return `error forwarding port ${port} to pod ${pod}: ${messageOf(thrown)}`;
}

const unheard: TunnelEvents = {
  onBytes: () => undefined,
  onEnd: () => undefined,
  onDrain: () => undefined,
  onClosed: () => undefined,
};
