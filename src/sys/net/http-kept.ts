/** A client of one connection, which it keeps and uses again: what balancing connections cannot spread. */
import { text } from 'node:stream/consumers';
import type { SocketAddress } from '../../model/index.ts';
import { nodeHttp } from '../index.ts';

export interface KeptClient {
  /** A GET of `/`; one after the other. Rejects with whatever kept the answer away. */
  ask(headers: Readonly<Record<string, string>>): Promise<KeptAnswer>;
  close(): void;
}

export interface KeptAnswer {
  readonly text: string;
  readonly setCookie: readonly string[];
}

const timeoutMs = 10_000;

export function createKeptClient(at: SocketAddress): KeptClient {
  const agent = new nodeHttp.Agent({ keepAlive: true, maxSockets: 1 });
  return {
    ask: async (headers) => {
      const answered = Promise.withResolvers<KeptAnswer>();
      const signal = AbortSignal.timeout(timeoutMs);
      const asked = nodeHttp.request({ host: at.address, port: at.port, headers, agent, signal });
      asked.once('error', answered.reject);
      asked.once('response', (response) => {
        const setCookie = response.headers['set-cookie'] ?? [];
        text(response).then((body) => answered.resolve({ text: body, setCookie }), answered.reject);
      });
      asked.end();
      return await answered.promise;
    },
    close: () => agent.destroy(),
  };
}
