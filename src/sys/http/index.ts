/** HTTP over TLS, served and asked for. */
export { createHttpClient } from './client.ts';
export type { ClientTls, HttpAgent, HttpClient, HttpReply, UpgradeReply } from './client.ts';
export { HttpError, httpErrors } from './errors.ts';
export type { HttpAnswer, HttpHandler, HttpRequest, HttpStream } from './exchange.ts';
export { serveSecurely } from './secure-server.ts';
export type { SecureServer } from './secure-server.ts';
