/** One HTTP request to see whether a server is well: its status, and nothing of its body. */
import { request as requestHttps } from 'node:https';
import type { SocketAddress } from '../../model/index.ts';
import { nodeHttp } from '../index.ts';

export interface HttpCheckOptions {
  readonly at: SocketAddress;
  readonly path: string;
  readonly secure: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Resolves with the status. Rejects with whatever kept the answer away. */
export function checkHttp(options: HttpCheckOptions): Promise<number> {
  const { at, path, secure, headers, timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const wanted = {
      host: at.address,
      port: at.port,
      path,
      headers: { 'user-agent': 'switchyard-probe', connection: 'close', ...headers },
      agent: false,
      signal: limit,
      // A probe asks whether it serves, not who it is: as the kubelet's.
      rejectUnauthorized: false,
    } as const;
    const asked = secure ? requestHttps(wanted) : nodeHttp.request(wanted);
    asked.once('error', reject);
    asked.once('response', (response) => {
      resolve(response.statusCode ?? 0);
      response.on('error', () => undefined);
      response.destroy();
    });
    asked.end();
  });
}
