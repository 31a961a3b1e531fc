/** The demo: real processes behind one round-robin Service. */
import {
  annotations,
  podKind,
  serviceKind,
  type ObjectClient,
  type Pod,
  type Service,
} from '../kube/index.ts';
import { packageFile } from '../sys/index.ts';

/** The Service whose spread is shown first. */
export const demoService = { namespace: 'default', service: 'web' } as const;

const backends = 3;
const port = 8080;

/** Creates `default/web` and the Pods behind it; `runtime` is the program that runs JavaScript. */
export async function createDemo(client: ObjectClient, runtime: string): Promise<void> {
  const command = JSON.stringify([runtime, packageFile('examples/demo/backend.mjs')]);
  await client.create(serviceKind, webService);
  for (let i = 0; i < backends; i++) await client.create(podKind, webPod(`web-${i}`, command));
}

const webService: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, targetPort: 'http' }],
  },
};

function webPod(name: string, command: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      labels: { app: 'web' },
      annotations: { [annotations.command.key]: command },
    },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [{ name: 'web', image: 'demo', ports: [{ name: 'http', containerPort: port }] }],
    },
  };
}
