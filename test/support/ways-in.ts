/** A cluster whose API asks who comes, and kubeconfigs that lead to it: what is listed, watched and forwarded over each. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { createCertificates, type CertificatePair } from '../../src/apiserver/certificate.ts';
import {
  createClusterClient,
  createClusterDialer,
  openAccess,
  type ClusterAccess,
} from '../../src/cluster/index.ts';
import { namespaceKind, podKind, serviceAccountKind } from '../../src/kube/index.ts';
import { systemClock } from '../../src/sys/index.ts';
import { startApi, type TestApi } from './api.ts';
import { guardedApi, type GuardedApi, type Visitor } from './guarded-api.ts';
import { temporaryFolder } from './program.ts';

const address = '127.0.0.216';
const pods = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.pipe(socket);
});
let api: TestApi;
let podPort = 0;

/** Before the first test: an API with one Pod that echoes. */
export function withCluster(): void {
  before(async () => {
    pods.listen(0, address);
    await once(pods, 'listening');
    podPort = (pods.address() as AddressInfo).port;
    api = await startApi();
    const at = { namespace: 'default', name: 'web' };
    await api.registry.create(podKind, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: at,
      spec: { containers: [{ name: 'main', image: 'none' }] },
    });
    const status = { phase: 'Running', podIP: address };
    await api.registry.patch(podKind, at, { status }, { subresource: 'status' });
  });

  after(async () => {
    pods.close();
    await api.stop();
  });
}

const yearMs = 365 * 86_400_000;
export const nowMs = Date.now();
export const server = createCertificates({ hosts: ['127.0.0.214'], nowMs });
export const named = createCertificates({ hosts: ['cluster.test'], nowMs });
export const serverOfOld = createCertificates({
  hosts: ['127.0.0.214'],
  nowMs: nowMs - 11 * yearMs,
});
// The authority's own certificate is one that a client may show: those it signs are of servers.
export const client = createCertificates({ hosts: [], nowMs }).ca;
export const clientOfOld = createCertificates({ hosts: [], nowMs: nowMs - 11 * yearMs }).ca;

export interface Scene {
  readonly t: TestContext;
  readonly folder: string;
  readonly guarded: GuardedApi;
  /** Writes a file into the kubeconfig's folder. */
  readonly file: (name: string, text: string) => string;
  /** A credential program in that folder, and how often it was asked. */
  readonly program: (body: string) => { readonly exec: object; readonly asked: () => number };
  /** What counts as the token from now on. */
  readonly token: (valid: string) => void;
}

export interface Way {
  readonly cluster: object;
  readonly user: object;
  /** What is to hold when all was done. */
  readonly held?: () => void;
  /** Between the list and the watch. */
  readonly meanwhile?: () => void | Promise<void>;
}

export interface Options {
  readonly own?: CertificatePair;
  readonly clientCa?: string;
  readonly admits?: (from: Visitor, token: string) => boolean;
}

export async function scene(t: TestContext, options: Options = {}): Promise<Scene> {
  const { own = server, clientCa = client.cert, admits = byToken } = options;
  const folder = temporaryFolder(t);
  let valid = 'right';
  const guarded = await guardedApi(t, api, {
    ...own.leaf,
    clientCa,
    admits: (from) => admits(from, valid),
  });
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    t,
    folder,
    guarded,
    file,
    program: (body) => {
      const asked = file('asked', '');
      const path = file('login', `#!/bin/sh\necho x >> ${asked}\n${body}\n`);
      chmodSync(path, 0o755);
      const exec = {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: './login',
        interactiveMode: 'Never',
      };
      return { exec, asked: () => readFileSync(asked, 'utf8').trim().split('\n').length };
    },
    token: (next) => (valid = next),
  };
}

export function byToken({ authorization }: Visitor, token: string): boolean {
  return authorization === `Bearer ${token}`;
}

export const byCertificate = ({ hasCertificate }: Visitor): boolean => hasCertificate;

export function data(pem: string): string {
  return Buffer.from(pem).toString('base64');
}

export function given(status: object): string {
  const apiVersion = 'client.authentication.k8s.io/v1';
  return `cat <<'END'\n${JSON.stringify({ apiVersion, kind: 'ExecCredential', status })}\nEND`;
}

export const trusted = { 'certificate-authority-data': data(server.ca.cert) };
export const right = { token: 'right' };

export function kubeconfig({ file, guarded }: Scene, { cluster, user }: Way): string {
  return file(
    'config',
    JSON.stringify({
      'current-context': 'here',
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server: guarded.url, ...cluster } }],
      users: [{ name: 'u', user }],
    }),
  );
}

interface Connected {
  readonly client: ReturnType<typeof createClusterClient>;
  readonly dialer: ReturnType<typeof createClusterDialer>;
}

export async function connected(at: Scene, kubeconfig: string): Promise<Connected> {
  return connectedBy(
    at,
    await openAccess({ kubeconfig, inCluster: undefined, clock: systemClock }),
  );
}

export function connectedBy({ t }: Scene, access: ClusterAccess): Connected {
  const clock = systemClock;
  const common = { access, clock, random: Math.random, userAgent: 'test' };
  const made = { client: createClusterClient(common), dialer: createClusterDialer(common) };
  t.after(() => {
    made.client.close();
    made.dialer.close();
  });
  return made;
}

let objects = 0;

/** A list, a watch that sees a change, and bytes to a Pod and back. */
export async function useAll(at: Scene, way: Way): Promise<void> {
  await use(await connected(at, kubeconfig(at, way)), way);
}

export async function use(
  { client: cluster, dialer }: Connected,
  way: Pick<Way, 'meanwhile' | 'held'>,
): Promise<void> {
  const { resourceVersion } = await cluster.list(namespaceKind);
  await way.meanwhile?.();
  const signal = AbortSignal.timeout(30_000);
  const watching = cluster.watch(serviceAccountKind, { resourceVersion, signal });
  const metadata = { namespace: 'default', name: `account-${objects++}` };
  await api.registry.create(serviceAccountKind, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata,
  });
  const seen: string[] = [];
  for await (const event of watching) {
    if (event.type === 'BOOKMARK') continue;
    seen.push(event.object.metadata.name);
    if (seen.at(-1) === metadata.name) break;
  }
  assert.equal(seen.at(-1), metadata.name);
  assert.equal(await echoed(dialer), 'hello');
  way.held?.();
}

async function echoed(dialer: ReturnType<typeof createClusterDialer>): Promise<string> {
  const tunnel = await dialer.open(podAt());
  return await new Promise((resolve, reject) => {
    let text = '';
    tunnel.start({
      onBytes: (bytes) => {
        text += bytes.toString();
        if (text.length >= 5) tunnel.destroy();
        if (text.length >= 5) resolve(text);
      },
      onDrain: () => undefined,
      onEnd: () => undefined,
      onClosed: (problem) => reject(new Error(problem ?? 'closed before it answered')),
    });
    tunnel.write(Buffer.from('hello'));
  });
}

/** The Pod and the port that echo. */
export function podAt(): {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
} {
  return { namespace: 'default', name: 'web', port: podPort };
}
