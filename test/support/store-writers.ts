/**
 * A process to be killed: sixteen writers and a watcher on one durable store, one line for each write that was
 * answered and each event that was seen. Arguments: folder, the version to watch from.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { configMapKind, type ConfigMap } from '../../src/kube/index.ts';
import { openDurableStore } from '../../src/store/index.ts';
import { systemClock } from '../../src/sys/index.ts';

const [folder = '', from = '0'] = process.argv.slice(2);
let uids = 0;
const { client } = await openDurableStore({
  folder,
  clock: systemClock,
  newUid: () => `${process.pid}-${uids++}`,
  keepChanges: 100_000,
  historySize: 100_000,
});

// Straight to the descriptor: a line is out before the next thing happens.
const say = (line: unknown): void => void writeSync(1, `${JSON.stringify(line)}\n`);

async function watch(): Promise<void> {
  const { signal } = new AbortController();
  for await (const event of client.watch(configMapKind, { resourceVersion: from, signal })) {
    if (event.type === 'BOOKMARK') continue;
    const { metadata, data } = event.object;
    say({ saw: event.type, name: metadata.name, version: metadata.resourceVersion, data });
  }
}

/** Half of its objects are its own, half are everybody's. */
async function write(writer: number): Promise<void> {
  for (let i = 0; ; i++) {
    const name = i % 2 === 0 ? `own-${writer}-${i % 14}` : `shared-${(i * 7 + writer) % 5}`;
    const at = { namespace: 'default', name };
    const data = {
      id: `${process.pid} ${writer} ${i}`,
      text: `${i} `.repeat(1 + ((i * 13) % 300)),
    };
    const object: ConfigMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: at,
      data,
    };
    try {
      const verb = (i + writer) % 5;
      if (verb === 4) {
        await client.delete(configMapKind, at);
        say({ deleted: name });
      } else {
        const write =
          verb === 0 ? client.create(configMapKind, object) : client.update(configMapKind, object);
        const { metadata } = await write;
        say({ stored: name, version: metadata.resourceVersion, data });
      }
    } catch {
      // Not there, or there already: the next one.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

void watch();
say({ open: (await client.list(configMapKind)).resourceVersion });
await Promise.all(Array.from({ length: 16 }, (_, writer) => write(writer)));
