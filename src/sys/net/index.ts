/** The doors to sockets: TCP and UDP engines, and HTTP over a Unix socket for local commands. */
export { ClientWords } from './client-words.ts';
export { createDatagrams } from './create-datagrams.ts';
export { createEngine } from './create-engine.ts';
export { createThreadEngine } from './epoll.ts';
export type { EngineOptions, EnginePreference } from './create-engine.ts';
export type {
  Connection,
  ConnectOptions,
  Descriptors,
  GiveUpSignal,
  ListenAt,
  Listener,
  NetEngine,
  Relay,
  RelayEnd,
  RelayOptions,
  Suspendable,
} from './engine.ts';
export { openDatagrams } from './datagrams.ts';
export type { Datagrams, OpenDatagrams } from './datagrams.ts';
export { LocalError, localErrors, NetError, netErrors } from './errors.ts';
export { checkGrpc } from './grpc-check.ts';
export { createKeptClient } from './http-kept.ts';
export { tryHttp } from './http-try.ts';
export { checkHttp } from './http-check.ts';
export { servePages } from './page-server.ts';
export type { Page, PageHandler, PageServer } from './page-server.ts';
export { createPortableEngine } from './portable.ts';
export { createPortableUdp } from './portable-udp.ts';
export { streamOfSocket } from './portable-stream.ts';
export { openSocketPath } from './local-path.ts';
export { requestLocal } from './local-request.ts';
export type { LocalReply, LocalRequestOptions } from './local-request.ts';
export { serveLocal } from './local-server.ts';
export type { LocalAnswer, LocalHandler, LocalRequest, LocalServer } from './local-server.ts';
export type {
  Ledger,
  Passed,
  Passing,
  Stream,
  StreamEngine,
  StreamHandlers,
  ThreadEngine,
} from './stream.ts';
export { sourceTowards } from './source-address.ts';
export { byteStreamOf, joinStreams, listenStreams, openStream } from './streams.ts';
export type { ByteStream, StreamEvents } from './streams.ts';
export type { UdpEngine, UdpHandlers, UdpListener, UdpPeer } from './udp.ts';
