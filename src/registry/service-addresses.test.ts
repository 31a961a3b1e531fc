/** A Service and its IPAddresses are written together, and a Service that is refused leaves none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipAddressKind, isAlreadyExists, serviceKind, type Service } from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createRegistry, type ObjectRegistry } from './registry.ts';

type Settle = (error?: unknown) => void;

/** A journal that commits at once, or by hand while it `waits`. */
class HandJournal {
  readonly appended: { readonly kind: string; readonly settle: Settle }[] = [];
  waits = false;

  append({ kind }: { readonly kind: string }, settle: Settle): void {
    if (this.waits) this.appended.push({ kind, settle });
    else queueMicrotask(settle);
  }

  commit(error?: unknown): readonly string[] {
    const batch = this.appended.splice(0);
    for (const { settle } of batch) settle(error);
    return batch.map(({ kind }) => kind);
  }
}

const web: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name: 'web' },
  spec: { ports: [{ port: 80 }], ipFamilyPolicy: 'RequireDualStack' },
};

async function prepared(): Promise<{ registry: ObjectRegistry; journal: HandJournal }> {
  const journal = new HandJournal();
  let uids = 0;
  const registry = createRegistry({
    store: createMemoryStore({ clock: createFakeClock(), newUid: () => `uid-${uids++}`, journal }),
    random: () => 0.5,
    serviceRange: parseCidr('10.96.0.0/16')!,
    secondaryServiceRange: parseCidr('fd00:96::/112')!,
    allowLoopbackEndpoints: false,
  });
  await registry.list(serviceKind);
  return { registry, journal };
}

async function addresses(registry: ObjectRegistry): Promise<number> {
  return (await registry.list(ipAddressKind)).items.length;
}

/** What was begun has gone as far as it does without a commit. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one commit has the Service and its addresses of both families', async () => {
  const { registry, journal } = await prepared();
  journal.waits = true;
  const making = registry.create(serviceKind, web);
  await turn();
  const ipAddresses = 'ipaddresses.networking.k8s.io/v1';
  assert.deepEqual(journal.commit(), ['services./v1', ipAddresses, ipAddresses]);
  assert.equal((await making).metadata.name, 'web');
  assert.equal(await addresses(registry), 2);
});

test('a Service of a name that is taken leaves no address behind', async () => {
  const { registry } = await prepared();
  await registry.create(serviceKind, web);
  await assert.rejects(registry.create(serviceKind, web), isAlreadyExists);
  assert.equal(await addresses(registry), 2);
});

test('a Service that cannot be written down leaves no address behind', async () => {
  const { registry, journal } = await prepared();
  journal.waits = true;
  const making = registry.create(serviceKind, web);
  await turn();
  journal.commit(new Error('the disk is full'));
  await assert.rejects(making, /disk is full/);
  assert.equal(await addresses(registry), 0);
});
