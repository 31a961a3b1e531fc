/** What the tests of every ObjectClient are made of: a store and its clock, and small objects for it. */
import {
  serviceKind,
  type ListOptions,
  type ObjectClient,
  type Pod,
  type Service,
} from '../kube/index.ts';
import type { FakeClock } from '../sys/index.ts';

export interface SuiteStore {
  readonly store: ObjectClient;
  /** The clock the store reads. */
  readonly clock: FakeClock;
}

/** Tests by title. */
export type StoreTests = Readonly<Record<string, (suite: SuiteStore) => Promise<void>>>;

export const web = { namespace: 'shop', name: 'web' };

interface ServiceParts {
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: NonNullable<Service['spec']>;
}

export function service(
  name: string,
  { labels, spec }: ServiceParts = {},
  namespace = 'shop',
): Service {
  const metadata = { name, namespace, ...(labels === undefined ? {} : { labels }) };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: spec ?? {} };
}

export function pod(name: string): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' } };
}

export function version(object: Service | Pod): number {
  return Number(object.metadata.resourceVersion);
}

export async function names(store: ObjectClient, options: ListOptions): Promise<readonly string[]> {
  const { items } = await store.list(serviceKind, options);
  return items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}
