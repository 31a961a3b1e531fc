/**
 * The name server's own Service, as clusters have it: `kube-dns` in kube-system, the tenth address of the Service
 * range. Its endpoint is our listener, so the driver makes port 53 of it, or its stand-in where the port is barred.
 */
import {
  apiVersionOf,
  endpointSliceKind,
  isAlreadyExists,
  isNotFound,
  labels,
  ApiError,
  nameOf,
  serviceKind,
  type EndpointSlice,
  type ObjectClient,
  type Service,
} from '../kube/index.ts';
import { addressInRange, type Cidr, type SocketAddress } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';

export interface NameServiceOptions {
  readonly client: ObjectClient;
  readonly serviceRange: Cidr;
  /** Where the name server listens; asked at `start`. */
  readonly listener: () => SocketAddress | undefined;
  readonly log: Logger;
}

const place = { namespace: 'kube-system', name: 'kube-dns' } as const;
const tenth = 10;
const port = 53;
const ports = [
  { name: 'dns', protocol: 'UDP' },
  { name: 'dns-tcp', protocol: 'TCP' },
] as const;

/** Objects of somebody else under the name, or a Service that has the address, are left as they are. */
export function createNameService(options: NameServiceOptions): Component {
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  return {
    name: 'name-service',
    start: async () => {
      const detail = await write(options);
      if (detail !== undefined) options.log.info('No Service for names', { why: detail });
      status = { state: 'ready', detail };
    },
    stop: async () => {
      status = { state: 'stopped', detail: undefined };
    },
    status: () => status,
  };
}

/** Says why there is none, or undefined. */
async function write({
  client,
  serviceRange,
  listener,
}: NameServiceOptions): Promise<string | undefined> {
  const at = listener();
  if (at === undefined) return 'the name server does not listen';
  const wanted = serviceAt(addressInRange(serviceRange, tenth));
  try {
    if (await goesOn(client, wanted, at)) return undefined;
    const made = await client.create(serviceKind, wanted);
    await client.create(endpointSliceKind, sliceOf(made, at));
    return undefined;
  } catch (thrown) {
    if (isAlreadyExists(thrown)) return `${place.namespace}/${place.name} is there already`;
    // Its address is taken by another Service.
    if (thrown instanceof ApiError) return thrown.message;
    throw thrown;
  }
}

/** Made by an earlier process: only where the name server listens is another place. */
async function goesOn(client: ObjectClient, wanted: Service, at: SocketAddress): Promise<boolean> {
  const slice = sliceOf(wanted, at);
  try {
    const there = await client.get(serviceKind, place);
    if (there.spec?.clusterIP !== wanted.spec?.clusterIP) return false;
    await client.get(endpointSliceKind, nameOf(slice));
  } catch (thrown) {
    if (isNotFound(thrown)) return false;
    throw thrown;
  }
  const { ports: listening, endpoints } = slice;
  await client.patch(endpointSliceKind, nameOf(slice), { ports: listening, endpoints });
  return true;
}

function serviceAt(clusterIP: string): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...place, labels: { 'k8s-app': 'kube-dns' } },
    spec: {
      clusterIP,
      ports: ports.map((each) => ({ ...each, port, targetPort: port })),
    },
  };
}

function sliceOf(service: Service, at: SocketAddress): EndpointSlice {
  const { name, namespace = '' } = nameOf(service);
  return {
    apiVersion: apiVersionOf(endpointSliceKind),
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-switchyard`,
      namespace,
      labels: { [labels.serviceName]: name },
    },
    addressType: 'IPv4',
    ports: ports.map((each) => ({ ...each, port: at.port })),
    endpoints: [{ addresses: [at.address], conditions: { ready: true } }],
  };
}
