/** The shapes of service accounts, roles and bindings. */
import { boolean, list, object, string, strings, type Shape } from './shape.ts';
import { whole } from './shapes.ts';

const named = list(object({ name: string }));

export const serviceAccountShape: Shape = object({
  ...whole,
  secrets: named,
  imagePullSecrets: named,
  automountServiceAccountToken: boolean,
});

const rule = object(
  {
    verbs: strings,
    apiGroups: strings,
    resources: strings,
    resourceNames: strings,
    nonResourceURLs: strings,
  },
  'verbs',
);

/** `rules: null` is what the API server itself writes for a role without any. */
export const roleShape: Shape = object({
  ...whole,
  rules: { type: 'list', items: rule, nullable: true },
});

export const roleBindingShape: Shape = object({
  ...whole,
  subjects: list(
    object({ kind: string, apiGroup: string, name: string, namespace: string }, 'kind', 'name'),
  ),
  roleRef: object({ apiGroup: string, kind: string, name: string }, 'kind', 'name'),
});
