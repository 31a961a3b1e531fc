/** The shapes of Ingresses and their classes. */
import { integer, list, object, string, strings, type Shape } from './shape.ts';
import { whole } from './shapes.ts';

const backend = object({
  service: object({ name: string, port: object({ name: string, number: integer }) }, 'name'),
  resource: object({ apiGroup: string, kind: string, name: string }, 'kind', 'name'),
});

export const ingressShape: Shape = object({
  ...whole,
  spec: object({
    ingressClassName: string,
    defaultBackend: backend,
    tls: list(object({ hosts: strings, secretName: string })),
    rules: list(
      object({
        host: string,
        http: object({ paths: list(object({ path: string, pathType: string, backend })) }),
      }),
    ),
  }),
  status: object({
    loadBalancer: object({
      ingress: list(object({ ip: string, hostname: string, ipMode: string })),
    }),
  }),
});

export const ingressClassShape: Shape = object({
  ...whole,
  spec: object({
    controller: string,
    parameters: object(
      { apiGroup: string, kind: string, name: string, scope: string, namespace: string },
      'kind',
      'name',
    ),
  }),
});
