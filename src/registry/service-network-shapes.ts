/** The shape of Endpoints: naming the fields of src/kube/endpoints-kind.ts. */
import { integer, list, object, string, type Shape } from './shape.ts';
import { whole } from './shapes.ts';

const addresses = list(
  object(
    {
      ip: string,
      hostname: string,
      nodeName: string,
      targetRef: object({ kind: string, namespace: string, name: string, uid: string }),
    },
    'ip',
  ),
);
export const endpointsShape: Shape = object({
  ...whole,
  subsets: list(
    object({
      addresses,
      notReadyAddresses: addresses,
      ports: list(
        object({ name: string, protocol: string, port: integer, appProtocol: string }, 'port'),
      ),
    }),
  ),
});
