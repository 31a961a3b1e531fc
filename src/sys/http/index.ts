/** HTTP over TLS. */
export { HttpError, httpErrors } from './errors.ts';
export { serveSecurely } from './secure-server.ts';
export type {
  HttpAnswer,
  HttpHandler,
  HttpRequest,
  HttpStream,
  SecureServer,
} from './secure-server.ts';
