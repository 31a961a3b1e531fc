/** From a connection that was accepted to whoever speaks on it: TLS, HTTP/2, HTTP/1.1. */
import { createHttp2Server, type Http2Server } from '../sys/http2/index.ts';
import {
  streamOfSocket,
  type Connection,
  type Stream,
  type StreamHandlers,
} from '../sys/net/index.ts';
import type { Context, ServedPort } from './context.ts';
import { Forwarding } from './forwarded.ts';
import { Http1Client } from './http1-client.ts';
import { Http2Client } from './http2-client.ts';
import { ProxyIntro } from './proxy-intro.ts';

/** A client's connection, whatever it speaks. */
export interface ClientConnection {
  /** Ends once what is under way is answered; a quiet one when it has been quiet for so long. */
  drain(patienceMs: number): void;
  destroy(): void;
}

type NodeSocket = ReturnType<Stream['toSocket']>;

interface Ends {
  readonly remote: Connection['remote'];
  readonly local: Connection['local'];
}

const maxConcurrentStreams = 256;

export class ClientConnections {
  private readonly context: Context;
  private readonly http2: Http2Server;

  constructor(context: Context) {
    this.context = context;
    this.http2 = createHttp2Server({ maxConcurrentStreams, maxHeadBytes: 64 * 1024 });
  }

  /** Serves the connection; `port` is as it is now, `clients` loses it when it is gone. */
  accept(connection: Connection, port: ServedPort, clients: Set<ClientConnection>): void {
    const { engine } = this.context;
    const { remote, local } = connection;
    if (port.acceptProxyProtocol) return this.introduce(connection, port, clients);
    this.begin({
      ends: { remote, local },
      port,
      clients,
      open: (handlers) => engine.open(connection, handlers),
      toSocket: () => engine.open(connection, deaf).toSocket(),
    });
  }

  /** Its first words say whose connection it is. */
  private introduce(
    connection: Connection,
    port: ServedPort,
    clients: Set<ClientConnection>,
  ): void {
    const { engine, deadlines } = this.context;
    const { remote, local } = connection;
    const intro: ProxyIntro = new ProxyIntro({
      engine,
      deadlines,
      timeoutMs: port.bounds.headTimeoutMs,
      connection,
      onFailed: () => forget(clients, waiting, port),
      onIntroduced: (said) => {
        forget(clients, waiting, port);
        this.begin({
          ends: { remote: said?.source ?? remote, local: said?.destination ?? local },
          port,
          clients,
          open: (handlers) => intro.open(handlers),
          toSocket: () => intro.toSocket(),
        });
      },
    });
    const waiting: ClientConnection = {
      drain: () => intro.destroy(),
      destroy: () => intro.destroy(),
    };
    remember(clients, waiting, port);
  }

  private begin(accepted: Accepted): void {
    if (accepted.port.tls === undefined) this.speakHttp1(accepted, 'http', accepted.open);
    else this.shake(accepted);
  }

  private speakHttp1(accepted: Accepted, scheme: 'http' | 'https', open: Accepted['open']): void {
    const { port, clients } = accepted;
    const forwarding = forwardingOf(accepted, scheme);
    const client = new Http1Client(this.context, {
      open,
      port,
      forwarding,
      onHttp2: port.http2
        ? (stream, early) => this.speakHttp2(stream.toSocket(early), accepted, forwarding)
        : undefined,
      onGone: (gone) => forget(clients, gone, port),
    });
    remember(clients, client, port);
  }

  private speakHttp2(
    socket: NodeSocket,
    { port, clients }: Accepted,
    forwarding: Forwarding,
  ): void {
    const { context } = this;
    const session = this.http2.serve(socket, port.bounds.idleTimeoutMs, {
      onRequest: (incoming) => void new Http2Client(context, incoming, { port, forwarding }),
      onClosed: () => forget(clients, session, port),
    });
    remember(clients, session, port);
  }

  private shake(accepted: Accepted): void {
    const { port, clients, ends } = accepted;
    const { tls } = port;
    if (tls === undefined) return;
    const socket = accepted.toSocket();
    const waiting: ClientConnection = {
      drain: () => undefined,
      destroy: () => void socket.destroy(),
    };
    remember(clients, waiting, port);
    tls.shake(socket, (agreed) => {
      forget(clients, waiting, port);
      if (agreed === undefined) return;
      if (agreed.protocol === 'h2') {
        this.speakHttp2(agreed.socket, accepted, forwardingOf(accepted, 'https'));
      } else {
        this.speakHttp1(accepted, 'https', (handlers) =>
          streamOfSocket(agreed.socket, ends, handlers),
        );
      }
    });
  }
}

interface Accepted {
  readonly ends: Ends;
  readonly port: ServedPort;
  readonly clients: Set<ClientConnection>;
  /** One of these is called, once. */
  readonly open: (handlers: StreamHandlers) => Stream;
  readonly toSocket: () => NodeSocket;
}

function forwardingOf({ port, ends }: Accepted, scheme: 'http' | 'https'): Forwarding {
  return new Forwarding({ peer: ends.remote, local: ends.local, scheme, trusted: port.trusted });
}

function remember(
  clients: Set<ClientConnection>,
  client: ClientConnection,
  port: ServedPort,
): void {
  clients.add(client);
  port.count.clients.add(1);
}

function forget(clients: Set<ClientConnection>, client: ClientConnection, port: ServedPort): void {
  if (clients.delete(client)) port.count.clients.add(-1);
}

/** For the moment between a connection and the socket that is made of it. */
const deaf = {
  onBytes: (): void => undefined,
  onEnd: (): void => undefined,
  onDrain: (): void => undefined,
  onClosed: (): void => undefined,
};
