/** The door to HTTP/2 and TLS: Node's own, made to look alike from either side. */
export { connectHttp2 } from './client.ts';
export type { Http2Answer, Http2Link } from './client.ts';
export type { HeaderList, Http2Events, Http2Exchange } from './exchange.ts';
export { createHttp2Server } from './server.ts';
export type { Http2Incoming, Http2Reply, Http2Server } from './server.ts';
export { createTlsDoor } from './tls.ts';
export type { TlsDoor } from './tls.ts';
