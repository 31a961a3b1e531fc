/** HTTP over TLS, served and asked for. */
export { createHttpClient } from './client.ts';
export type { ClientTls, HttpAgent, HttpClient, HttpReply, UpgradeReply } from './client.ts';
export { HttpError, httpErrors } from './errors.ts';
export { serveSecurely } from './secure-server.ts';
export type {
  HttpAnswer,
  HttpHandler,
  HttpRequest,
  HttpStream,
  SecureServer,
} from './secure-server.ts';
