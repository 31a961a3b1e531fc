/** The embedded node as an object, so that others can read where Pods are. */
import {
  apiVersionOf,
  isAlreadyExists,
  labels,
  nodeKind,
  type Node,
  type ObjectClient,
} from '../kube/index.ts';

/** Makes the Node; one that is there already stays as it is. */
export async function registerNode(client: ObjectClient, name: string): Promise<void> {
  const node: Node = {
    apiVersion: apiVersionOf(nodeKind),
    kind: nodeKind.kind,
    metadata: { name, labels: { [labels.hostname]: name } },
    spec: {},
    status: {
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: name },
      ],
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'SwitchyardReady',
          message: 'Pods are processes of this host',
        },
      ],
    },
  };
  try {
    await client.create(nodeKind, node);
  } catch (thrown) {
    if (!isAlreadyExists(thrown)) throw thrown;
  }
}
