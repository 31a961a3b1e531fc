/**
 * A machine of its own for what the host's kernel cannot do: emulated, with the host's file system read-only as its
 * own, so that it runs what is in the checkout. It has no network and ends with its command.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Pieces } from './pieces.ts';

export interface MachineOptions {
  readonly pieces: Pieces;
  /** Of the kernel, besides those it needs to start. */
  readonly modules: readonly string[];
  /** A program on the host with its arguments: words without blanks. */
  readonly command: readonly string[];
  readonly seconds: number;
  readonly say: (progress: string) => void;
}

/** The last one is asked for by others without their saying so. */
const startModules = ['virtio_pci', '9pnet_virtio', '9p', 'crc32c_generic'];
const begins = '--- command ---';
const ends = '--- ended with';

/** What the command printed, line by line; undefined when the machine was too slow. Rejects when it failed. */
export async function runInMachine(
  options: MachineOptions,
): Promise<readonly string[] | undefined> {
  const folder = mkdtempSync(join(tmpdir(), `switchyard-vm-${process.pid}-`));
  try {
    const initramfs = pack(folder, options);
    return await boot(initramfs, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function pack(folder: string, { pieces, modules, command }: MachineOptions): string {
  const tree = join(folder, 'tree');
  for (const name of ['proc', 'dev', 'mnt', 'modules'])
    mkdirSync(join(tree, name), { recursive: true });
  copyFileSync(pieces.busybox, join(tree, 'busybox'));
  const ordered = inOrder(pieces.modules, [...startModules, ...modules]);
  ordered.forEach((file, i) => {
    copyFileSync(file, join(tree, 'modules', `${String(i).padStart(3, '0')}-${basename(file)}`));
  });
  writeFileSync(join(tree, 'init'), initScript(command));
  chmodSync(join(tree, 'init'), 0o755);
  const packed = join(folder, 'initramfs');
  execFileSync('sh', ['-c', `find . | ${pieces.busybox} cpio -o -H newc > ${packed} 2>/dev/null`], {
    cwd: tree,
  });
  return packed;
}

/** Modules with those they need before them; what this kernel has built in is in no file. */
function inOrder(folder: string, wanted: readonly string[]): readonly string[] {
  const files = new Map(
    globSync('**/*.ko', { cwd: folder }).map((file) => [
      basename(file, '.ko').replaceAll('-', '_'),
      join(folder, file),
    ]),
  );
  const ordered = new Set<string>();
  const add = (name: string): void => {
    const file = files.get(name.replaceAll('-', '_'));
    if (file === undefined || ordered.has(file)) return;
    const [, needed = ''] = /\0depends=([^\0]*)\0/.exec(readFileSync(file, 'latin1')) ?? [];
    for (const other of needed.split(',')) add(other);
    ordered.add(file);
  };
  for (const name of wanted) add(name);
  return [...ordered];
}

function initScript(command: readonly string[]): string {
  return [
    '#!/busybox sh',
    '/busybox mount -t proc proc /proc',
    '/busybox mount -t devtmpfs dev /dev',
    'for module in /modules/*; do /busybox insmod $module; done',
    '/busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /mnt || /busybox poweroff -f',
    '/busybox mount -t proc proc /mnt/proc',
    '/busybox mount -t sysfs sys /mnt/sys',
    '/busybox mount -t devtmpfs dev /mnt/dev',
    '/busybox mount -t tmpfs run /mnt/run',
    `/busybox echo '${begins}'`,
    `/busybox chroot /mnt /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run ${command.join(' ')} </dev/null`,
    `/busybox echo '${ends}' $?`,
    '/busybox poweroff -f',
    '',
  ].join('\n');
}

/** Words without blanks in them. */
const hardware = [
  '-machine q35 -cpu max -accel tcg,thread=single -smp 1 -m 1024',
  '-nodefaults -no-reboot -display none -serial stdio -net none',
  '-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap',
  '-device virtio-9p-pci,fsdev=host,mount_tag=host',
].join(' ');

async function boot(
  initramfs: string,
  options: MachineOptions,
): Promise<readonly string[] | undefined> {
  const { pieces, seconds, say } = options;
  const child = spawn(
    pieces.qemu,
    [
      hardware,
      ...pieces.firmware.map((folder) => `-L ${folder}`),
      `-kernel ${pieces.kernel} -initrd ${initramfs}`,
    ]
      .flatMap((words) => words.split(' '))
      .concat('-append', 'console=ttyS0 quiet panic=-1 mitigations=off'),
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LD_LIBRARY_PATH: pieces.libraries.join(':') },
    },
  );
  let isSlow = false;
  const timer = setTimeout(() => {
    isSlow = true;
    child.kill('SIGKILL');
  }, seconds * 1_000);
  const complaints: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
  const printed: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes(begins)) say('the machine is up');
    printed.push(line);
  });
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  if (isSlow) return undefined;
  const start = printed.findIndex((line) => line.includes(begins));
  const end = printed.findIndex((line) => line.includes(`${ends} 0`));
  if (start < 0 || end < 0) {
    const last = [...complaints, ...printed].slice(-20).join('\n');
    throw new Error(`Cannot run a machine: it ended with ${String(code)}\n${last}`);
  }
  return printed.slice(start + 1, end);
}
