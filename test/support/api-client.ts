/** A client of a running instance's API, by the credentials in its folder: plain HTTPS, one line of a watch at a time. */
import { readFileSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:https';
import { join } from 'node:path';

export interface ApiObject {
  readonly metadata: {
    readonly name: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly clusterIP?: string };
  readonly items?: readonly ApiObject[];
  readonly ports?: readonly { readonly port: number }[];
}

export interface ApiEvent {
  readonly type: string;
  readonly object: ApiObject;
}

export interface ApiResponse {
  readonly status: number;
  readonly body: ApiObject;
}

export class ApiClient {
  readonly port: number;
  private readonly options: RequestOptions;
  private readonly authorization: string;
  private readonly agent: Agent;

  constructor(folder: string) {
    const kubeconfig = readFileSync(join(folder, 'kubeconfig'), 'utf8');
    this.port = Number(/server: "?https:\/\/127\.0\.0\.1:(\d+)/.exec(kubeconfig)?.[1]);
    const ca = readFileSync(join(folder, 'api', 'ca.crt'), 'utf8');
    const token = readFileSync(join(folder, 'api', 'token'), 'utf8');
    this.agent = new Agent({ keepAlive: true, ca, maxSockets: 64 });
    const { agent, port } = this;
    this.authorization = `Bearer ${token}`;
    this.options = { agent, host: '127.0.0.1', port, servername: 'localhost' };
  }

  /** Rejects when there is no whole answer. */
  async send(method: string, path: string, body?: object): Promise<ApiResponse> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = {
      authorization: this.authorization,
      ...(text === undefined
        ? {}
        : { 'content-type': type, 'content-length': String(Buffer.byteLength(text)) }),
    };
    return await new Promise((resolve, reject) => {
      const asked = request({ ...this.options, method, path, headers }, (response) => {
        let said = '';
        response.setEncoding('utf8').on('data', (piece: string) => (said += piece));
        response.once('error', reject);
        response.once('close', () => {
          if (!response.complete) reject(new Error('the answer was cut off'));
        });
        response.once('end', () => {
          if (!response.complete) return;
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(said) as ApiObject });
        });
      });
      asked.once('error', reject);
      asked.end(text);
    });
  }

  /** Resolves when the watch has ended, however; a line that was cut off counts for nothing. */
  watch(path: string, onEvent: (event: ApiEvent) => void): Promise<void> {
    return new Promise((resolve) => {
      const headers = { authorization: this.authorization };
      const asked = request({ ...this.options, headers, path }, (response) => {
        let rest = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          const lines = `${rest}${piece}`.split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) onEvent(JSON.parse(line) as ApiEvent);
        });
        response.once('error', () => resolve());
        response.once('close', () => resolve());
      });
      asked.once('error', () => resolve());
      asked.end();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
