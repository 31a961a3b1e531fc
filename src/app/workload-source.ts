/** Does what `run`, `scale`, `bind` and `logs` ask, with the objects and the node of this instance. */
import type {
  BindRequest,
  LogLineView,
  RunRequest,
  WorkloadKind,
  WorkloadSource,
  WorkloadView,
} from '../control/index.ts';
import {
  annotations,
  ApiError,
  deploymentKind,
  isNotFound,
  jsonEqual,
  objectKey,
  podKind,
  replicaSetKind,
  serviceKind,
  statefulSetKind,
  type Deployment,
  type Kind,
  type KubeObject,
  type MergePatch,
  type ObjectClient,
  type PodTemplate,
  type Service,
} from '../kube/index.ts';
import type { Clock } from '../model/index.ts';
import type { EmbeddedNode } from '../node/index.ts';
import { AppError } from './errors.ts';

export interface WorkloadSourceOptions {
  readonly client: ObjectClient;
  readonly node: EmbeddedNode;
  readonly clock: Clock;
}

/** What can be scaled; a Pod cannot. */
type Scalable = KubeObject & {
  readonly spec?: { readonly replicas?: number; readonly template?: PodTemplate };
};

const scalableKinds: ReadonlyMap<WorkloadKind, Kind<Scalable>> = new Map<
  WorkloadKind,
  Kind<Scalable>
>([
  ['deployment', deploymentKind],
  ['statefulset', statefulSetKind],
  ['replicaset', replicaSetKind],
]);

const followPollMs = 1_000;
/** An image is asked for by the API, and there is none: the Pods are processes. */
const noImage = 'host-process';

export function createWorkloadSource({
  client,
  node,
  clock,
}: WorkloadSourceOptions): WorkloadSource {
  return {
    run: (request) => run(request, client),
    scale: async ({ namespace, kind, name, replicas }) => {
      const scalable = scalableKinds.get(kind);
      if (scalable === undefined) throw notScalable(kind, name);
      const before = await client.get(scalable, { namespace, name });
      const view = { namespace, kind, name, replicas, service: undefined };
      if (before.spec?.replicas === replicas) return { ...view, change: 'unchanged' };
      await client.patch(scalable, { namespace, name }, { spec: { replicas } });
      return { ...view, change: 'scaled' };
    },
    bind: (request) => bind(request, client),
    logs: async ({ namespace, pod, follow, tail, previous }, { onLine, onSilence, signal }) => {
      const name = { namespace, name: pod };
      const key = objectKey(name);
      await client.get(podKind, name);
      const tell = (line: { from: LogLineView['from']; text: string; atMs: number }): void =>
        onLine({ from: line.from, text: line.text, at: new Date(line.atMs).toISOString() });
      for (const line of node.logs.linesOf(key, { tail, previous }) ?? []) tell(line);
      if (!follow) return;
      const stop = node.logs.follow(key, tell);
      while (!signal.aborted && (await isThere(client, name))) {
        await clock.sleep(followPollMs, signal);
        onSilence();
      }
      stop();
    },
  };
}

async function isThere(
  client: ObjectClient,
  name: { readonly namespace: string; readonly name: string },
): Promise<boolean> {
  try {
    await client.get(podKind, name);
    return true;
  } catch (thrown) {
    if (isNotFound(thrown)) return false;
    throw thrown;
  }
}

async function run(request: RunRequest, client: ObjectClient): Promise<WorkloadView> {
  const { namespace, name, replicas, port } = request;
  await client.create(deploymentKind, deploymentOf(request));
  const view = { namespace, kind: 'deployment', name, change: 'created', replicas } as const;
  if (port === undefined) return { ...view, service: undefined };
  try {
    const service = await client.create(serviceKind, serviceOf(request, port));
    const address = `${service.spec?.clusterIP ?? ''}:${port}`;
    return { ...view, service: { name, address } };
  } catch (thrown) {
    // Both or neither: whoever asked can ask again.
    await client.delete(deploymentKind, { namespace, name });
    throw thrown;
  }
}

function deploymentOf({
  namespace,
  name,
  replicas,
  port,
  command,
  folder,
}: RunRequest): Deployment {
  const app = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name, labels: app },
    spec: {
      replicas,
      selector: { matchLabels: app },
      template: {
        metadata: {
          labels: app,
          annotations: {
            [annotations.command.key]: JSON.stringify(command),
            ...(folder === undefined ? {} : { [annotations.folder.key]: folder }),
          },
        },
        spec: {
          containers: [
            {
              name: 'main',
              image: noImage,
              ...(port === undefined ? {} : { ports: [{ containerPort: port }] }),
            },
          ],
        },
      },
    },
  };
}

function serviceOf({ namespace, name }: RunRequest, port: number): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, labels: { app: name } },
    spec: { selector: { app: name }, ports: [{ port, targetPort: port }] },
  };
}

async function bind(request: BindRequest, client: ObjectClient): Promise<WorkloadView> {
  const { namespace, kind, name } = request;
  const at = { namespace, name };
  const metadata = { annotations: checkedAnnotations(request) };
  const view = { namespace, kind, name, service: undefined };
  const scalable = scalableKinds.get(kind);
  if (scalable === undefined) {
    const before = await client.get(podKind, at);
    const after = await client.patch(podKind, at, { metadata });
    return { ...view, replicas: undefined, change: changeOf(before, after) };
  }
  const before = await client.get(scalable, at);
  const patch: MergePatch = { spec: { template: { metadata } } };
  const after = await client.patch(scalable, at, patch);
  return { ...view, replicas: after.spec?.replicas, change: changeOf(before, after) };
}

/** Null takes the other one off: a Pod is a process or an address. */
function checkedAnnotations({
  command,
  address,
  folder,
}: BindRequest): Readonly<Record<string, string | null>> {
  const texts = [
    [annotations.command, command],
    [annotations.address, address],
    [annotations.folder, command === undefined ? undefined : folder],
  ] as const;
  for (const [spec, text] of texts) {
    const parsed = text === undefined ? undefined : spec.parse(text);
    if (parsed?.ok !== false) continue;
    throw new AppError(
      'BIND_INVALID',
      `Cannot bind to ${JSON.stringify(text)}: ${parsed.problem}`,
      { remedy: "Give --command 'node server.js' or --address 127.0.0.1:3000" },
    );
  }
  return Object.fromEntries(texts.map(([{ key }, text]) => [key, text ?? null]));
}

function changeOf(before: KubeObject, after: KubeObject): WorkloadView['change'] {
  return jsonEqual(before, after) ? 'unchanged' : 'bound';
}

function notScalable(kind: string, name: string): ApiError {
  return new ApiError('MethodNotAllowed', `Cannot scale ${kind}/${name}: it has no replicas`, {
    remedy: 'Scale what made it: see kubectl get deployments, or switchyard scale deployment/NAME',
  });
}
