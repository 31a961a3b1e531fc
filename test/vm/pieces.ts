/**
 * What a virtual machine is made of: Debian's QEMU and kernel, and busybox, unpacked below `.cache` and never
 * installed. They are fetched where that is agreed to; elsewhere the tests that want them say what is missing.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

export interface Pieces {
  readonly qemu: string;
  /** Where QEMU's own libraries and firmware are. */
  readonly libraries: readonly string[];
  readonly firmware: readonly string[];
  readonly kernel: string;
  /** The folder of its modules. */
  readonly modules: string;
  readonly busybox: string;
}

const root = new URL('../../.cache/vm/', import.meta.url).pathname;

/** Fetches them where CI or SWITCHYARD_SETUP=apt agree to it; a string says why there are none. */
export function findPieces(say: (progress: string) => void): Pieces | string {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'a machine is for Linux on x64';
  if (!existsSync(root)) {
    const { CI, SWITCHYARD_SETUP } = process.env;
    if (CI !== 'true' && SWITCHYARD_SETUP !== 'apt') {
      return 'no QEMU in .cache/vm: SWITCHYARD_SETUP=apt fetches Debian’s, 120 MB, and installs nothing';
    }
    try {
      fetchPieces(say);
    } catch (error) {
      return `QEMU cannot be fetched: ${String(error)}`;
    }
  }
  const [kernel] = globSync('boot/vmlinuz-*', { cwd: root });
  const [modules] = globSync('lib/modules/*', { cwd: root });
  if (kernel === undefined || modules === undefined) return `there is no kernel in ${root}`;
  return {
    qemu: join(root, 'usr/bin/qemu-system-x86_64'),
    libraries: ['usr/lib', 'lib'].map((folder) => join(root, folder, 'x86_64-linux-gnu')),
    firmware: [join(root, 'usr/share/qemu'), join(root, 'usr/share/seabios')],
    kernel: join(root, kernel),
    modules: join(root, modules),
    busybox: join(root, 'bin/busybox'),
  };
}

/** Unpacked beside its place and moved there when it is whole. */
function fetchPieces(say: (progress: string) => void): void {
  const partial = `${root.slice(0, -1)}.${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    say('looking for packages');
    try {
      apt(partial, 30_000, 'update');
    } catch {
      // Without the right to, or without a network: what is known already may do.
    }
    const wanted = ['busybox-static', ...kernelPackages(), ...missingOf('qemu-system-x86')];
    say(`fetching ${wanted.length} packages`);
    apt(partial, 45_000, 'download', ...wanted);
    for (const file of readdirSync(partial).filter((name) => name.endsWith('.deb'))) {
      execFileSync('dpkg-deb', ['-x', file, '.'], { cwd: partial });
      rmSync(join(partial, file));
    }
    renameSync(partial, root.slice(0, -1));
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function apt(cwd: string, timeout: number, ...args: readonly string[]): string {
  return execFileSync('apt-get', ['-qq', ...args], {
    cwd,
    timeout,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
}

/** The package behind the one that always names the newest. */
function kernelPackages(): readonly string[] {
  return dependsOf('linux-image-amd64', []).filter((name) => /^linux-image-[0-9]/.test(name));
}

/** A package and everything below it that this host does not have. */
function missingOf(name: string): readonly string[] {
  const all = dependsOf(name, ['--recurse']);
  return [name, ...all].filter((one, i, list) => list.indexOf(one) === i && !isInstalled(one));
}

function dependsOf(name: string, options: readonly string[]): readonly string[] {
  const kinds = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'];
  const args = ['depends', ...options, ...kinds.map((kind) => `--no-${kind}`), name];
  const said = execFileSync('apt-cache', args, { encoding: 'utf8' });
  return [...said.matchAll(/Depends: ([a-z0-9][^\s<]*)/g)].map(([, found = '']) => found);
}

function isInstalled(name: string): boolean {
  try {
    const args = ['-W', '-f', '${db:Status-Status}', name];
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('dpkg-query', args, { encoding: 'utf8', stdio }) === 'installed';
  } catch {
    return false;
  }
}
