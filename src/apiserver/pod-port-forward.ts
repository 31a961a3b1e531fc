/** Connections to the ports of a Pod through the API, as kubectl port-forward makes them. */
import { ApiError, apiNames, isOfKind, notFound, podKind } from '../kube/index.ts';
import { portForwardUpgrade } from '../portforward/index.ts';
import { openStream } from '../sys/net/index.ts';
import type { Answer, ApiContext, ResourceRequest } from './context.ts';

const connectMs = 10_000;

export async function podPortForward(
  { http, path, query, resource }: ResourceRequest,
  name: string,
  { registry, clock }: ApiContext,
): Answer {
  const { namespace } = path;
  const pod = await registry.get(resource.kind, { namespace, name });
  const status = isOfKind(podKind, pod) ? pod.status : undefined;
  const address = status?.podIP;
  if (address === undefined || status?.phase !== 'Running') {
    const phase = status?.phase ?? 'Unknown';
    throw new ApiError(
      'BadRequest',
      `unable to forward port because pod is not running. Current status=${phase}`,
    );
  }
  const ports = query.getAll('ports').flatMap((text) => text.split(',').map(Number));
  if (ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535)) {
    throw new ApiError('BadRequest', 'ports: they must be numbers from 1 to 65535');
  }
  const asked = http.canUpgrade ? portForwardUpgrade((one) => http.header(one), ports) : undefined;
  if (asked === undefined) {
    throw new ApiError(
      'BadRequest',
      `port-forward needs an upgrade to SPDY/3.1, or to a WebSocket of ${apiNames.portForwardTunnel} or ${apiNames.portForwardChannels}`,
    );
  }
  return {
    status: 101,
    headers: asked.headers,
    upgraded: (stream) => {
      asked.serve(stream, {
        pod: `${namespace}/${name}`,
        open: async (port) => {
          // Whoever came for this Pod is not to end at another that has its name, or its address, by now.
          const now = await registry.get(resource.kind, { namespace, name });
          if (now.metadata.uid !== pod.metadata.uid) throw notFound(podKind, name);
          return await openStream({ address, port }, { timeoutMs: connectMs });
        },
        clock,
      });
    },
  };
}
