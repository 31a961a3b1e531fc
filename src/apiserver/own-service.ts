/**
 * The API's own Service, as clusters have it: `kubernetes` in default, the first address of the Service range, with
 * a slice that leads to our listener.
 */
import {
  ApiError,
  apiVersionOf,
  endpointSliceKind,
  isAlreadyExists,
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
    await ensure(() => client.create(serviceKind, serviceAt(clusterIp, listener.port)));
    const slice = sliceAt(listener);
    const made = await ensure(() => client.create(endpointSliceKind, slice));
    if (!made) await client.update(endpointSliceKind, slice);
    return undefined;
  } catch (thrown) {
    // Its address is taken by another Service.
    if (thrown instanceof ApiError) return thrown.message;
    throw thrown;
  }
}

/** Whether it was made; false when it is there already. */
async function ensure(create: () => Promise<unknown>): Promise<boolean> {
  try {
    await create();
    return true;
  } catch (thrown) {
    if (isAlreadyExists(thrown)) return false;
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
