/** The kinds as discovery and paths know them: short names, categories, sub-resources. */
import { kindKey, kinds, type Kind } from '../kube/index.ts';

export interface Resource {
  readonly kind: Kind;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly hasStatus: boolean;
  readonly hasScale: boolean;
  readonly verbs: readonly string[];
}

interface Extra {
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly hasStatus?: boolean;
  readonly hasScale?: boolean;
  readonly noDeleteCollection?: boolean;
  readonly singular?: string;
}

const all = ['all'];
const scaled = { categories: all, hasStatus: true, hasScale: true };

const extras: Readonly<Record<string, Extra>> = {
  namespaces: { shortNames: ['ns'], hasStatus: true, noDeleteCollection: true },
  nodes: { shortNames: ['no'], hasStatus: true },
  pods: { shortNames: ['po'], categories: all, hasStatus: true },
  services: { shortNames: ['svc'], categories: all, hasStatus: true },
  endpoints: { shortNames: ['ep'], singular: 'endpoints' },
  endpointslices: {},
  configmaps: { shortNames: ['cm'] },
  secrets: {},
  leases: {},
  events: { shortNames: ['ev'] },
  deployments: { ...scaled, shortNames: ['deploy'] },
  replicasets: { ...scaled, shortNames: ['rs'] },
  statefulsets: { ...scaled, shortNames: ['sts'] },
  ingresses: { shortNames: ['ing'], hasStatus: true, singular: 'ingress' },
  ingressclasses: { singular: 'ingressclass' },
  servicecidrs: { hasStatus: true },
  serviceaccounts: { shortNames: ['sa'] },
  ipaddresses: { shortNames: ['ip'], singular: 'ipaddress' },
};

function resourceOf(kind: Kind): Resource {
  const extra = extras[kind.plural] ?? {};
  const { shortNames = [], categories = [], hasStatus = false, hasScale = false } = extra;
  return {
    kind,
    singular: extra.singular ?? kind.kind.toLowerCase(),
    shortNames,
    categories,
    hasStatus,
    hasScale,
    verbs: [
      'create',
      'delete',
      ...(extra.noDeleteCollection === true ? [] : ['deletecollection']),
      'get',
      'list',
      'patch',
      'update',
      'watch',
    ],
  };
}

const resources: readonly Resource[] = kinds.map(resourceOf);

const byPath = new Map(
  resources.map((resource) => {
    const { group, version, plural } = resource.kind;
    return [`${group}/${version}/${plural}`, resource] as const;
  }),
);

/** Undefined when it is not served. */
export function findResource(at: {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}): Resource | undefined {
  return byPath.get(`${at.group}/${at.version}/${at.resource}`);
}

/** Groups in the order they are discovered, the core group first, each with its resources by name. */
export function resourceGroups(): ReadonlyMap<string, readonly Resource[]> {
  const sorted = resources.toSorted((a, b) => (kindKey(a.kind) < kindKey(b.kind) ? -1 : 1));
  const groups = Map.groupBy(sorted, ({ kind }) => `${kind.group}/${kind.version}`);
  return new Map([...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
