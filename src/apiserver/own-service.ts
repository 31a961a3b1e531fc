/**
 * The API's own Service, as clusters have it: `kubernetes` in default, the first address of the Service range, with
 * a slice that leads to our listener.
 */
import {
  ApiError,
  apiVersionOf,
  endpointSliceKind,
  isNotFound,
  labels,
  serviceKind,
  type EndpointSlice,
  type ObjectClient,
  type Service,
} from '../kube/index.ts';
import type { SocketAddress } from '../model/index.ts';

const place = { namespace: 'default', name: 'kubernetes' } as const;
const port = { name: 'https', protocol: 'TCP' } as const;
const own = { component: 'apiserver', provider: 'kubernetes' };

export interface OwnServiceOptions {
  readonly client: ObjectClient;
  readonly clusterIp: string;
  readonly listener: SocketAddress;
}

/** Says why there is none, or undefined. A slice of an earlier life is pointed at the listener there is now. */
export async function publishOwnService(options: OwnServiceOptions): Promise<string | undefined> {
  const { client, clusterIp, listener } = options;
  try {
    const service = serviceAt(clusterIp, listener.port);
    const there = await find(() => client.get(serviceKind, place));
    if (there === undefined) await client.create(serviceKind, service);
    else await client.patch(serviceKind, place, { spec: { ports: service.spec?.ports } });
    const slice = sliceAt(listener);
    const { metadata } = slice;
    const at = { namespace: place.namespace, name: metadata.name };
    const slicedBefore = await find(() => client.get(endpointSliceKind, at));
    if (slicedBefore === undefined) await client.create(endpointSliceKind, slice);
    else await client.update(endpointSliceKind, slice);
    return undefined;
  } catch (thrown) {
    // Its address is taken by another Service.
    if (thrown instanceof ApiError) return thrown.message;
    throw thrown;
  }
}

/** What an earlier process made, or undefined: to make it again would claim its address twice. */
async function find<T>(get: () => Promise<T>): Promise<T | undefined> {
  try {
    return await get();
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

function serviceAt(clusterIP: string, targetPort: number): Service {
  return {
    apiVersion: apiVersionOf(serviceKind),
    kind: serviceKind.kind,
    metadata: { ...place, labels: own },
    spec: { clusterIP, ports: [{ ...port, port: 443, targetPort }] },
  };
}

function sliceAt({ address, port: listening }: SocketAddress): EndpointSlice {
  return {
    apiVersion: apiVersionOf(endpointSliceKind),
    kind: endpointSliceKind.kind,
    metadata: { ...place, labels: { [labels.serviceName]: place.name } },
    addressType: 'IPv4',
    ports: [{ ...port, port: listening }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  };
}
