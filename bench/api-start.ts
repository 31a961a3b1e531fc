/** How long `up` takes from the start of its process until it is ready, over a folder that holds objects. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endpointSliceKind, serviceKind, type Kind } from '../src/kube/index.ts';
import { pair } from './api-clients.ts';
import { openFolder, registryOver } from './api-server.ts';

const starts = 3;
const writersAtOnce = 200;

export interface Start {
  readonly ms: number;
  readonly megabytes: number;
}

/** Pairs are written into a folder of its own, with an IPAddress each; the middle one of three starts. */
export async function measureStart(pairs: number): Promise<Start> {
  const home = mkdtempSync(join(tmpdir(), 'switchyard-bench-'));
  try {
    // It chooses the addresses, which belong to the folder from then on.
    await startOnce(home);
    await fill(join(home, 'data'), pairs);
    const measured: Start[] = [];
    for (let i = 0; i < starts; i++) measured.push(await startOnce(home));
    const middle = measured.toSorted((a, b) => a.ms - b.ms)[Math.floor(starts / 2)];
    if (middle === undefined) throw new Error('nothing was started');
    return middle;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function fill(folder: string, pairs: number): Promise<void> {
  const durable = await openFolder(folder);
  const registry = registryOver(durable.client, durable.settings['serviceRange'] ?? '');
  const make = (kind: Kind, { metadata, ...rest }: { readonly metadata?: object }) =>
    registry.make(kind, { ...rest, metadata: { ...metadata, namespace: 'default' } }, {});
  let next = 0;
  await Promise.all(
    Array.from({ length: writersAtOnce }, async () => {
      while (next < pairs) {
        const { service, slice } = pair(next++);
        await Promise.all([make(serviceKind, service), make(endpointSliceKind, slice)]);
      }
    }),
  );
  await durable.close();
}

async function startOnce(home: string): Promise<Start> {
  const runtime = join(home, 'run');
  mkdirSync(runtime, { recursive: true });
  const started = performance.now();
  const child = spawn(
    process.execPath,
    ['src/app/main.ts', 'up', '--data-dir', join(home, 'data'), '--metrics', 'none'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...process.env,
        SWITCHYARD_INSTANCE: 'bench',
        XDG_STATE_HOME: home,
        XDG_RUNTIME_DIR: runtime,
      },
    },
  );
  const ended = once(child, 'exit');
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes('Ready')) break;
  }
  if (!said.includes('Ready')) throw new Error(`up ended: ${said}`);
  const ms = performance.now() - started;
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  child.kill('SIGTERM');
  await ended;
  return { ms, megabytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_000 };
}
