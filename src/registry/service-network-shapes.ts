/** The shapes of Endpoints, ServiceCIDRs and IPAddresses. */
import { integer, list, object, string, strings, type Shape } from './shape.ts';
import { conditions, whole } from './shapes.ts';

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

export const serviceCidrShape: Shape = object({
  ...whole,
  spec: object({ cidrs: strings }),
  status: object({ conditions }),
});

export const ipAddressShape: Shape = object({
  ...whole,
  spec: object({
    parentRef: object(
      { group: string, resource: string, namespace: string, name: string },
      'resource',
      'name',
    ),
  }),
});
