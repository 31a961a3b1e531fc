/** What there is: groups, versions and resources, in one answer or in many. */
import { apiNames } from '../kube/index.ts';
import type { HttpAnswer, HttpRequest } from '../sys/http/index.ts';
import { jsonAnswer } from './answers.ts';
import { wantsAggregated } from './negotiate.ts';
import { resourceGroups, type Resource } from './resources.ts';

/** Resources that are asked and not kept. */
const reviews = {
  [apiNames.authorization]: [
    'SelfSubjectAccessReview',
    'SelfSubjectRulesReview',
    'SubjectAccessReview',
  ],
  [apiNames.authentication]: ['SelfSubjectReview'],
} as const;

interface Entry {
  readonly name: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly kind: string;
  /** Of what a sub-resource answers with, when it is of another group. */
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly Omit<Entry, 'subresources'>[];
}

type Groups = ReadonlyMap<string, readonly Entry[]>;

function entriesOf(resource: Resource): Entry {
  const { kind, singular, shortNames, categories, verbs } = resource;
  const base = { namespaced: kind.namespaced, singular: '', shortNames: [], categories: [] };
  const readWrite = ['get', 'patch', 'update'];
  const subresources: Omit<Entry, 'subresources'>[] = [];
  if (kind.plural === 'pods') {
    const portForward = { name: 'portforward', kind: 'PodPortForwardOptions' };
    subresources.push({ ...base, name: 'log', kind: 'Pod', verbs: ['get'] });
    subresources.push({ ...base, ...portForward, verbs: ['create', 'get'] });
  }
  if (kind.plural === 'serviceaccounts') {
    const token = { kind: 'TokenRequest', group: apiNames.authentication, version: 'v1' };
    subresources.push({ ...base, ...token, name: 'token', verbs: ['create'] });
  }
  if (resource.hasScale) {
    const scale = { kind: 'Scale', group: 'autoscaling', version: 'v1' };
    subresources.push({ ...base, ...scale, name: 'scale', verbs: readWrite });
  }
  if (resource.hasStatus) {
    subresources.push({ ...base, name: 'status', kind: kind.kind, verbs: readWrite });
  }
  return {
    name: kind.plural,
    singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs,
    shortNames,
    categories,
    subresources,
  };
}

function reviewEntry(kind: string): Entry {
  const singular = kind.toLowerCase();
  return {
    name: `${singular}s`,
    singular,
    namespaced: false,
    kind,
    verbs: ['create'],
    shortNames: [],
    categories: [],
    subresources: [],
  };
}

/** `GROUP/VERSION`, with an empty group for the core. */
const groups: Groups = new Map([
  ...[...resourceGroups()].map(([key, found]) => [key, found.map(entriesOf)] as const),
  ...Object.entries(reviews).map(
    ([group, kinds]) => [`${group}/v1`, kinds.map(reviewEntry)] as const,
  ),
]);

const named = [...groups].filter(([key]) => !key.startsWith('/'));

function split(key: string): readonly [group: string, version: string] {
  const [group = '', version = ''] = key.split('/');
  return [group, version];
}

/** Undefined for a path that is no discovery. */
export function discoveryAnswer(
  segments: readonly string[],
  request: HttpRequest,
): HttpAnswer | undefined {
  const [root, group, version] = segments;
  if (segments.length === 1 && (root === 'api' || root === 'apis')) {
    if (wantsAggregated(request.header('accept'))) return aggregated(root);
    return jsonAnswer(root === 'api' ? apiVersions(request) : groupList());
  }
  if (root === 'api' && segments.length === 2) return resourceList('', group ?? '');
  if (root !== 'apis') return undefined;
  if (segments.length === 3) return resourceList(group ?? '', version ?? '');
  const found = named.map(([key]) => groupOf(key)).find(({ name }) => name === group);
  if (segments.length !== 2 || found === undefined) return undefined;
  return jsonAnswer({ kind: 'APIGroup', apiVersion: 'v1', ...found });
}

function aggregated(root: string): HttpAnswer {
  const wanted = root === 'api' ? [...groups].filter(([key]) => key.startsWith('/')) : named;
  const body = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: apiNames.discoveryVersion,
    metadata: {},
    items: wanted.map(([key, entries]) => {
      const [group, version] = split(key);
      const resources = entries.map(aggregatedResource);
      return {
        metadata: group === '' ? {} : { name: group },
        versions: [{ version, resources, ...(group === '' ? {} : { freshness: 'Current' }) }],
      };
    }),
  };
  const answer = jsonAnswer(body);
  return { ...answer, headers: { 'content-type': apiNames.discoveryType } };
}

function aggregatedResource(entry: Entry): object {
  const { shortNames, categories, subresources } = entry;
  const responseKind = (of: Omit<Entry, 'subresources'>): object =>
    // A kind of the group it is in goes without saying.
    ({ group: of.group ?? '', version: of.version ?? '', kind: of.kind });
  return {
    resource: entry.name,
    responseKind: responseKind(entry),
    scope: entry.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: entry.singular,
    verbs: entry.verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: responseKind(sub),
            verbs: sub.verbs,
          })),
        }),
  };
}

function apiVersions(request: HttpRequest): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [
      { clientCIDR: '0.0.0.0/0', serverAddress: request.header('host') ?? '' },
    ],
  };
}

interface GroupView {
  readonly name: string;
  readonly versions: readonly object[];
  readonly preferredVersion: object;
}

function groupOf(key: string): GroupView {
  const [name, version] = split(key);
  const one = { groupVersion: key, version };
  return { name, versions: [one], preferredVersion: one };
}

function groupList(): object {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: named.map(([key]) => groupOf(key)),
  };
}

function resourceList(group: string, version: string): HttpAnswer | undefined {
  const entries = groups.get(`${group}/${version}`);
  if (entries === undefined) return undefined;
  const one = (entry: Omit<Entry, 'subresources'>, name: string): object => ({
    name,
    singularName: entry.singular,
    namespaced: entry.namespaced,
    ...(entry.group === undefined ? {} : { group: entry.group, version: entry.version }),
    kind: entry.kind,
    verbs: entry.verbs,
    ...(entry.shortNames.length === 0 ? {} : { shortNames: entry.shortNames }),
    ...(entry.categories.length === 0 ? {} : { categories: entry.categories }),
  });
  return jsonAnswer({
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: entries.flatMap((entry) => [
      one(entry, entry.name),
      ...entry.subresources.map((sub) => one(sub, `${entry.name}/${sub.name}`)),
    ]),
  });
}
