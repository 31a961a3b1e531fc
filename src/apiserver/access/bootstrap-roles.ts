/** The roles that an API server makes by itself when roles count, as far as they mean something here. */
import {
  apiNames,
  clusterRoleBindingKind,
  clusterRoleKind,
  deploymentKind,
  endpointSliceKind,
  ingressKind,
  isAlreadyExists,
  type ObjectClient,
  type PolicyRule,
} from '../../kube/index.ts';

const metaOf = (
  name: string,
): { readonly name: string; readonly labels: Readonly<Record<string, string>> } => ({
  name,
  labels: { [apiNames.bootstrapping]: 'rbac-defaults' },
});

const all = ['*'];
const [apps, networking] = [deploymentKind.group, ingressKind.group];
const review = (...resources: readonly string[]): PolicyRule => ({
  verbs: ['create'],
  apiGroups: [apiNames.authorization],
  resources,
});
const reads = ['get', 'list', 'watch'];
const writes = ['create', 'delete', 'deletecollection', 'patch', 'update'];

/** What `view` shows and `edit` changes; Secrets are only for those who edit. */
const workloads: readonly PolicyRule[] = [
  {
    verbs: reads,
    apiGroups: [''],
    resources: [
      'bindings',
      'configmaps',
      'endpoints',
      'events',
      'namespaces',
      'pods',
      'pods/log',
      'pods/status',
      'serviceaccounts',
      'services',
      'services/status',
    ],
  },
  { verbs: reads, apiGroups: [apps, endpointSliceKind.group, networking], resources: all },
];

const edits: readonly PolicyRule[] = [
  ...workloads,
  { verbs: reads, apiGroups: [''], resources: ['secrets'] },
  {
    verbs: writes,
    apiGroups: [''],
    resources: [
      'configmaps',
      'endpoints',
      'events',
      'pods',
      'pods/portforward',
      'secrets',
      'serviceaccounts',
      'services',
    ],
  },
  { verbs: ['create'], apiGroups: [''], resources: ['serviceaccounts/token'] },
  { verbs: ['impersonate'], apiGroups: [''], resources: ['serviceaccounts'] },
  { verbs: writes, apiGroups: [apps, networking], resources: all },
];

const roles: Readonly<Record<string, readonly PolicyRule[]>> = {
  'cluster-admin': [
    { verbs: all, apiGroups: all, resources: all },
    { verbs: all, nonResourceURLs: all },
  ],
  admin: [
    ...edits,
    {
      verbs: [...reads, ...writes],
      apiGroups: [apiNames.rbac],
      resources: ['roles', 'rolebindings'],
    },
    review('localsubjectaccessreviews'),
  ],
  edit: edits,
  view: workloads,
  'system:basic-user': [
    review('selfsubjectaccessreviews', 'selfsubjectrulesreviews'),
    {
      verbs: ['create'],
      apiGroups: [apiNames.authentication],
      resources: ['selfsubjectreviews'],
    },
  ],
  'system:discovery': [
    {
      verbs: ['get'],
      nonResourceURLs: [
        '/api',
        '/api/*',
        '/apis',
        '/apis/*',
        '/healthz',
        '/livez',
        '/openapi',
        '/openapi/*',
        '/readyz',
        '/version',
        '/version/',
      ],
    },
  ],
};

/** The group that has each from the start. */
const bound: Readonly<Record<string, string>> = {
  'cluster-admin': 'system:masters',
  'system:basic-user': 'system:authenticated',
  'system:discovery': 'system:authenticated',
};

/** Makes those that are missing; what somebody changed stays as it is. */
export async function makeFirstRoles(client: ObjectClient): Promise<void> {
  for (const [name, rules] of Object.entries(roles)) {
    const metadata = metaOf(name);
    await makeOnce(() =>
      client.create(clusterRoleKind, {
        apiVersion: `${apiNames.rbac}/v1`,
        kind: 'ClusterRole',
        metadata,
        rules,
      }),
    );
  }
  for (const [name, group] of Object.entries(bound)) {
    const metadata = metaOf(name);
    await makeOnce(() =>
      client.create(clusterRoleBindingKind, {
        apiVersion: `${apiNames.rbac}/v1`,
        kind: 'ClusterRoleBinding',
        metadata,
        roleRef: { apiGroup: apiNames.rbac, kind: 'ClusterRole', name },
        subjects: [{ apiGroup: apiNames.rbac, kind: 'Group', name: group }],
      }),
    );
  }
}

async function makeOnce(make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (thrown) {
    if (!isAlreadyExists(thrown)) throw thrown;
  }
}
