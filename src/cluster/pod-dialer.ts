/** Connections to Pods of a cluster, by its API's port-forward: with the credentials of every other request. */
import { randomBytes } from 'node:crypto';
import { webSocketAcceptKey } from '../codec/websocket/index.ts';
import { ApiError, apiNames, isJsonObject, podKind } from '../kube/index.ts';
import { createPodDialer, type PodDialer, type PodPort } from '../portforward/index.ts';
import type { ByteStream } from '../sys/net/index.ts';
import { readJson } from './read-list.ts';
import { Transport, type TransportOptions } from './transport.ts';

/** Rejects with ApiError: Forbidden, NotFound, ServiceUnavailable. */
export interface ClusterDialer extends PodDialer {
  /** Whether the API says that this user may forward ports of Pods there; also true when it does not say. */
  mayForward(namespace: string): Promise<boolean>;
}

const idleMs = 30_000;

export function createClusterDialer(options: TransportOptions): ClusterDialer {
  const transport = new Transport(options);
  const closing = new AbortController();
  const dialer = createPodDialer({
    clock: options.clock,
    upgrade: (target, protocol) => upgrade(transport, { target, protocol, signal: closing.signal }),
  });
  return {
    open: (target) => dialer.open(target),
    mayForward: (namespace) => mayForward(transport, namespace, closing.signal),
    close: () => {
      closing.abort();
      dialer.close();
      transport.close();
    },
  };
}

interface Wanted {
  readonly target: PodPort;
  readonly protocol: string;
  readonly signal: AbortSignal;
}

async function upgrade(
  transport: Transport,
  { target, protocol, signal }: Wanted,
): Promise<ByteStream | undefined> {
  const key = randomBytes(16).toString('base64');
  const { stream, header } = await transport.upgrade({
    method: 'GET',
    path: pathOf(target),
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': key,
      'sec-websocket-protocol': protocol,
    },
    idleMs,
    signal,
  });
  if (header('sec-websocket-accept') !== webSocketAcceptKey(key)) {
    stream.destroy();
    throw new ApiError('InternalError', 'Cannot forward a port: the answer is to another request');
  }
  if (header('sec-websocket-protocol') === protocol) return stream;
  stream.destroy();
  return undefined;
}

/** A server asks for `create`, and those before 1.35 for `get` of what is upgraded from a GET. */
async function mayForward(
  transport: Transport,
  namespace: string,
  signal: AbortSignal,
): Promise<boolean> {
  const group = apiNames.authorization;
  const kind = 'SelfSubjectAccessReview';
  const resource = { namespace, verb: 'create', resource: 'pods', subresource: 'portforward' };
  try {
    const { pieces } = await transport.call({
      method: 'POST',
      path: `/apis/${group}/v1/selfsubjectaccessreviews`,
      body: { apiVersion: `${group}/v1`, kind, spec: { resourceAttributes: resource } },
      idleMs,
      signal,
    });
    const review = await readJson(podKind, pieces);
    const status = isJsonObject(review) ? review['status'] : undefined;
    return !isJsonObject(status) || status['allowed'] !== false;
  } catch (thrown) {
    if (thrown instanceof ApiError) return true;
    throw thrown;
  }
}

function pathOf({ namespace, name, port }: PodPort): string {
  const pod = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
  return `${pod}/portforward?ports=${port}`;
}
