/** The server of `api.bench.ts`, as `up` has it: objects in a folder, ownership of fields, controllers, TLS. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createFieldTracker } from '../src/apiserver/index.ts';
import { parseCidr } from '../src/model/index.ts';
import { createRegistry, type ObjectRegistry } from '../src/registry/index.ts';
import {
  createMemoryStore,
  openDurableStore,
  type DurableStore,
  type MemoryStoreClient,
} from '../src/store/index.ts';
import { systemClock } from '../src/sys/index.ts';
import { startApi } from '../test/support/api.ts';

const own = { clock: systemClock, newUid: randomUUID };

export interface Usage {
  /** Of all threads since the start. */
  readonly cpuMs: number;
  readonly megabytes: number;
}

export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

export function registryOver(store: MemoryStoreClient, serviceRange: string): ObjectRegistry {
  const range = parseCidr(serviceRange);
  if (range === undefined) throw new Error(`${serviceRange} is no range`);
  return createRegistry({
    store,
    random: Math.random,
    serviceRange: range,
    allowLoopbackEndpoints: true,
    trackFields: createFieldTracker(systemClock),
  });
}

export function openFolder(folder: string): Promise<DurableStore> {
  return openDurableStore({ folder, ...own });
}

/** Until its standard input ends; each line of that asks for a Usage. */
export async function serve(isEphemeral: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-bench-'));
  const durable = isEphemeral ? undefined : await openFolder(folder);
  const store = durable?.client ?? createMemoryStore(own);
  const api = await startApi({ controllers: true, registry: registryOver(store, '10.96.0.0/12') });
  console.log(JSON.stringify({ url: api.url, token: api.token, ca: api.ca }));
  for await (const _asked of createInterface(process.stdin)) {
    const usage: Usage = { cpuMs: cpuMs(), megabytes: process.memoryUsage.rss() / 1e6 };
    console.log(JSON.stringify(usage));
  }
  await api.stop();
  await durable?.close();
  rmSync(folder, { recursive: true, force: true });
}
