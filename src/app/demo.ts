/** The demo: a small shop. Each Service shows one way to choose, and real processes stand behind all of them. */
import {
  annotations,
  podKind,
  serviceKind,
  type ObjectClient,
  type Pod,
  type Service,
  type ServiceSpec,
} from '../kube/index.ts';
import { packageFile } from '../sys/index.ts';

/** A Service of the demo, and what it is there to show. */
export interface DemoService {
  readonly name: string;
  readonly shows: string;
  /**
   * What shows its spread: connections, whole requests where load counts, those of one client that keeps its
   * connection, of one browser, or the name where that is all there is.
   */
  readonly spreads: 'connections' | 'requests' | 'keep-alive' | 'session' | 'name';
  /** Where a client connects that comes by the name. */
  readonly namePort?: number;
}

interface Recipe extends DemoService {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec: ServiceSpec;
}

const namespace = 'default';
const port = 8080;

const recipes: readonly Recipe[] = [
  {
    name: 'web',
    shows: 'round robin, exact',
    spreads: 'connections',
    spec: { selector: { app: 'web' }, ports: [httpPort(80)] },
  },
  {
    name: 'catalog',
    shows: 'weights 8:1:1',
    spreads: 'connections',
    annotations: { [annotations.scheduler.key]: 'wrr' },
    spec: { selector: { app: 'catalog' }, ports: [httpPort(80)] },
  },
  {
    name: 'search',
    shows: 'least connections, one backend is slow',
    spreads: 'requests',
    annotations: { [annotations.scheduler.key]: 'lc' },
    spec: { selector: { app: 'search' }, ports: [httpPort(80)] },
  },
  {
    name: 'cart',
    shows: 'ClientIP affinity: one client, one backend',
    spreads: 'connections',
    spec: { selector: { app: 'web' }, sessionAffinity: 'ClientIP', ports: [httpPort(80)] },
  },
  {
    name: 'echo',
    shows: 'UDP: each client is a flow of its own',
    spreads: 'connections',
    spec: { selector: { app: 'echo' }, ports: [{ name: 'echo', protocol: 'UDP', port: 7000 }] },
  },
  {
    name: 'stuck',
    shows: 'one keep-alive client, by connection: always the same backend',
    spreads: 'keep-alive',
    spec: { selector: { app: 'web' }, ports: [httpPort(80)] },
  },
  {
    name: 'api',
    shows: 'the same client with balance: request',
    spreads: 'keep-alive',
    annotations: { [annotations.balance.key]: 'request' },
    spec: { selector: { app: 'web' }, ports: [httpPort(80)] },
  },
  {
    name: 'login',
    shows: 'cookie affinity: a browser stays with its session, see /login',
    spreads: 'session',
    annotations: { [annotations.affinity.key]: 'cookie' },
    spec: { selector: { app: 'web' }, ports: [httpPort(80)] },
  },
  {
    name: 'front',
    shows: 'NodePort, at the node itself',
    spreads: 'connections',
    spec: { type: 'NodePort', selector: { app: 'web' }, ports: [httpPort(80)] },
  },
  {
    name: 'local',
    shows: 'internalTrafficPolicy Local: only this node',
    spreads: 'connections',
    spec: { selector: { app: 'web' }, internalTrafficPolicy: 'Local', ports: [httpPort(80)] },
  },
  {
    name: 'peers',
    shows: 'headless: the name is all there is, the client chooses',
    spreads: 'name',
    namePort: port,
    spec: { clusterIP: 'None', selector: { app: 'web' }, ports: [httpPort(80)] },
  },
  {
    name: 'partner',
    shows: 'ExternalName: another name, here for web',
    spreads: 'name',
    namePort: 80,
    spec: { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' },
  },
];

/** In the order in which they are shown; the first is `default/web`. */
export const demoServices: readonly DemoService[] = recipes;

/** Where all of it is. */
export const demoNamespace = namespace;

interface PodRecipe {
  readonly name: string;
  readonly app: string;
  readonly weight?: number;
  /** Milliseconds each answer takes. */
  readonly delayMs?: number;
  /** Answers datagrams there, and TCP connections only so that it can be seen to be ready. */
  readonly udpPort?: number;
}

const pods: readonly PodRecipe[] = [
  ...['web-0', 'web-1', 'web-2'].map((name) => ({ name, app: 'web' })),
  { name: 'catalog-big', app: 'catalog', weight: 8 },
  { name: 'catalog-1', app: 'catalog', weight: 1 },
  { name: 'catalog-2', app: 'catalog', weight: 1 },
  { name: 'search-slow', app: 'search', delayMs: 200 },
  { name: 'search-1', app: 'search' },
  { name: 'search-2', app: 'search' },
  ...['echo-1', 'echo-2'].map((name) => ({ name, app: 'echo', udpPort: 7000 })),
];

/** Creates the Services and the Pods behind them; `runtime` is the program that runs JavaScript. */
export async function createDemo(client: ObjectClient, runtime: string): Promise<void> {
  const command = JSON.stringify([runtime, packageFile('examples/demo/backend.mjs')]);
  for (const recipe of recipes) await client.create(serviceKind, serviceOf(recipe));
  for (const recipe of pods) await client.create(podKind, podOf(recipe, command));
}

function httpPort(number: number): NonNullable<ServiceSpec['ports']>[number] {
  return { name: 'http', port: number, targetPort: 'http' };
}

function serviceOf({ name, annotations: own, spec }: Recipe): Service {
  const metadata = { name, namespace, ...(own === undefined ? {} : { annotations: own }) };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec };
}

function podOf({ name, app, weight, delayMs, udpPort }: PodRecipe, command: string): Pod {
  const labels = {
    app,
    ...(weight === undefined ? {} : { [annotations.weight.key]: `${weight}` }),
  };
  const env = [
    ...(delayMs === undefined ? [] : [{ name: 'DELAY_MS', value: String(delayMs) }]),
    ...(udpPort === undefined ? [] : [{ name: 'UDP', value: 'yes' }]),
  ];
  const ports =
    udpPort === undefined
      ? [{ name: 'http', containerPort: port }]
      : [{ name: 'echo', protocol: 'UDP', containerPort: udpPort }];
  const probe = { tcpSocket: { port: udpPort ?? port }, periodSeconds: 1 };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, annotations: { [annotations.command.key]: command } },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          name: 'app',
          image: 'demo',
          env,
          ports,
          ...(udpPort === undefined ? {} : { readinessProbe: probe }),
        },
      ],
    },
  };
}
