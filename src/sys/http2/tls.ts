/** TLS towards clients: certificates by the name they ask for, read anew when they change. */
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type Server } from 'node:tls';

export interface TlsIdentitySource {
  readonly names: readonly string[];
  readonly certificate: string;
  readonly key: string;
}

export interface TlsAgreed {
  readonly socket: Socket;
  readonly protocol: 'h2' | 'http/1.1';
}

export interface TlsDoor {
  /**
   * Shakes hands on a socket that was accepted; `done` gets what was agreed on, or undefined when there is no
   * agreement, and then the socket is closed.
   */
  shake(socket: Socket, done: (agreed: TlsAgreed | undefined) => void): void;
}

export interface TlsOptions {
  /** Asked at each handshake; the first serves names that none has. One is the same as long as its object is. */
  readonly identities: () => readonly TlsIdentitySource[];
  readonly http2: boolean;
  readonly timeoutMs: number;
}

export function createTlsDoor(options: TlsOptions): TlsDoor {
  return new Door(options);
}

class Door implements TlsDoor {
  private readonly options: TlsOptions;
  private readonly contexts = new WeakMap<TlsIdentitySource, SecureContext>();
  /** By the ends of the connection, which is all that both sockets of it have in common. */
  private readonly shaking = new Map<string, (agreed: TlsAgreed | undefined) => void>();
  private server: Server | undefined;
  private first: TlsIdentitySource | undefined;

  constructor(options: TlsOptions) {
    this.options = options;
  }

  shake(socket: Socket, done: (agreed: TlsAgreed | undefined) => void): void {
    const ends = endsOf(socket);
    let over = false;
    const end = (agreed: TlsAgreed | undefined): void => {
      if (over) return;
      over = true;
      this.shaking.delete(ends);
      if (agreed === undefined) socket.destroy();
      done(agreed);
    };
    socket.on('error', () => end(undefined));
    socket.once('close', () => end(undefined));
    try {
      const server = this.serverFor();
      this.shaking.set(ends, end);
      // A client that goes in the middle of it has nothing to wait for; left half open it would stay until the timeout.
      socket.allowHalfOpen = false;
      server.emit('connection', socket);
    } catch {
      // No certificate, or one that cannot be read: whoever gave it reports that where it came from.
      end(undefined);
    }
  }

  /**
   * It never listens: only a server brings a handshake on an accepted socket to its end as HTTP/2 needs it. One is
   * made for each certificate that comes first, since that one serves clients that name no host.
   */
  private serverFor(): Server {
    const { identities, http2, timeoutMs } = this.options;
    const first = identities()[0];
    if (first === undefined) throw new Error('there is no certificate');
    if (this.server !== undefined && this.first === first) return this.server;
    const server = createServer({
      cert: first.certificate,
      key: first.key,
      minVersion: 'TLSv1.2',
      handshakeTimeout: timeoutMs,
      ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      SNICallback: (name, answer) => {
        try {
          answer(null, this.contextFor(name));
        } catch (error) {
          answer(error instanceof Error ? error : new Error(String(error)));
        }
      },
    });
    server.on('secureConnection', (tls) => {
      tls.on('error', () => tls.destroy());
      tls.allowHalfOpen = true;
      const protocol = tls.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
      this.shaking.get(endsOf(tls))?.({ socket: tls, protocol });
    });
    // The socket below is closed by then, and says so to `shake`.
    server.on('tlsClientError', (_error, tls) => tls.destroy());
    this.first = first;
    return (this.server = server);
  }

  private contextFor(name: string): SecureContext {
    const all = this.options.identities();
    const source = all.find(({ names }) => names.some((each) => covers(each, name))) ?? all[0];
    if (source === undefined) throw new Error('there is no certificate');
    let context = this.contexts.get(source);
    if (context === undefined) {
      const { certificate: cert, key } = source;
      context = createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
      this.contexts.set(source, context);
    }
    return context;
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** `*.example.com` covers one label. */
function covers(pattern: string, name: string): boolean {
  const asked = name.toLowerCase();
  const own = pattern.toLowerCase();
  if (!own.startsWith('*.')) return own === asked;
  const dot = asked.indexOf('.');
  return dot > 0 && asked.slice(dot) === own.slice(1);
}
