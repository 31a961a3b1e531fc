/** What a client's connection of HTTP/1.1 is made of, and whom it tells of its end. */
import type { Stream, StreamHandlers } from '../sys/net/index.ts';
import type { ServedPort } from './context.ts';
import type { Forwarding } from './forwarded.ts';
import type { Http1Client } from './http1-client.ts';

export interface Http1ClientOptions {
  /** Opens the connection, or what TLS made of it. */
  readonly open: (handlers: StreamHandlers) => Stream;
  readonly port: ServedPort;
  readonly forwarding: Forwarding;
  /** The client begins with HTTP/2, and may; `early` is what it said. The stream is the callee's. */
  readonly onHttp2:
    | ((stream: Stream, early: Uint8Array, forwarding: Forwarding) => void)
    | undefined;
  /** Called once, when the connection is gone or somebody else's. */
  readonly onGone: (client: Http1Client) => void;
}
