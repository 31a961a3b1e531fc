/** A host of a test's own whose kernel may be changed: a cell, an empty home, and Switchyard run in it by whom one likes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openCell, whyNoCell, type Cell } from './cell.ts';
import { emptyHome, run, start, temporaryFolder, type Program } from './program.ts';
import { root } from './tree.ts';

/** Who runs it: root, or somebody without any capability but these. */
export type Who = 'root' | 'nobody' | 'nobody with CAP_NET_ADMIN';

export interface KernelHost {
  readonly cell: Cell;
  readonly home: string;
  /** Runs to its end inside, without complaint. */
  readonly sh: (line: string) => string;
  /** Goes on until the test ends. */
  readonly begin: (args: readonly string[], who?: Who) => Program;
  readonly switchyard: (args: readonly string[], who?: Who) => ReturnType<typeof run>;
}

/** All that Switchyard may leave behind, as others list it. */
export const traces =
  'nft list tables; ip route; ip -6 route; ip addr; ip route show table local; ip -6 route show table local';

/** A reason, or false. */
export function whyNoKernelHost(...programs: readonly string[]): string | false {
  const without = whyNoCell();
  if (without !== undefined) return without;
  for (const program of programs) {
    if (spawnSync(program, ['--version']).status !== 0) return `${program} is not on this host`;
  }
  return false;
}

export async function openKernelHost(t: TestContext): Promise<KernelHost> {
  const cell = await openCell(t);
  const home = temporaryFolder(t);
  chmodSync(home, 0o777);
  const options = { cwd: root, env: emptyHome(home) };
  const command = (args: readonly string[], who: Who = 'root'): readonly string[] =>
    cell.enter([...asWho(who), join(root, 'switchyard'), ...args]);
  return {
    cell,
    home,
    sh: (line) => {
      const [program = '', ...args] = cell.enter(['sh', '-ec', line]);
      return execFileSync(program, args, { encoding: 'utf8' });
    },
    begin: (args, who) => start(t, command(args, who), options),
    switchyard: (args, who) => run(t, command(args, who), options),
  };
}

function asWho(who: Who): readonly string[] {
  if (who === 'root') return [];
  const only = who === 'nobody' ? '-all' : '-all,+net_admin';
  const sets = ['inh-caps', 'ambient-caps', 'bounding-set'].map((set) => `--${set}=${only}`);
  return ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', ...sets];
}

/** Backends in a cell: each answers with its name. */
export async function answerAt(
  t: TestContext,
  { cell }: Pick<KernelHost, 'cell'>,
  places: readonly (readonly [name: string, address: string, port: number])[],
): Promise<void> {
  const script = `
    const { createServer } = require('node:http');
    let left = ${places.length};
    for (const [name, address, port] of ${JSON.stringify(places)}) {
      createServer((q, s) => s.end(name)).listen(port, address, () => --left || console.log('serving'));
    }`;
  await start(t, cell.enter(['node', '-e', script]), { cwd: root }).printed('serving');
}

/** A Service of type NodePort without a selector, and its two backends. */
export function nodePortManifest(options: {
  readonly addressType: 'IPv4' | 'IPv6';
  readonly backend: string;
  readonly nodePort: number;
  readonly clusterIP?: string;
}): readonly object[] {
  const { addressType, backend, nodePort, clusterIP } = options;
  const slice = (name: string, port: number): object => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType,
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [backend], conditions: { ready: true } }],
  });
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      type: 'NodePort',
      ipFamilies: [addressType],
      ...(clusterIP === undefined ? {} : { clusterIP }),
      ports: [{ name: 'http', port: 80, nodePort }],
    },
  };
  return [service, slice('web-a', 8_080), slice('web-b', 8_081)];
}
