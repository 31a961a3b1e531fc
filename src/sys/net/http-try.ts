/** One HTTP request to a Service of ours, to see what becomes of it: its status, its cookies, and who asked. */
import type { SocketAddress } from '../../model/index.ts';
import { nodeHttp } from '../index.ts';

export interface HttpTryOptions {
  readonly at: SocketAddress;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpTried {
  readonly status: number;
  readonly setCookie: readonly string[];
  /** The port the client had. */
  readonly localPort: number;
}

/** Resolves when the answer is over. Rejects with whatever kept it away. */
export function tryHttp(options: HttpTryOptions): Promise<HttpTried> {
  const { at, method, path, headers, timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    const limit = AbortSignal.timeout(timeoutMs);
    const asked = nodeHttp.request({
      host: at.address,
      port: at.port,
      method,
      path,
      headers: { 'user-agent': 'switchyard', connection: 'close', ...headers },
      agent: false,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
    let localPort = 0;
    asked.once('socket', (socket) => {
      socket.once('connect', () => (localPort = socket.localPort ?? 0));
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      const { statusCode: status = 0 } = response;
      const setCookie = response.headers['set-cookie'] ?? [];
      response.once('error', reject);
      response.once('end', () => resolve({ status, setCookie, localPort }));
      response.resume();
    });
    asked.end();
  });
}
