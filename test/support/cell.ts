/**
 * A network and a resolv.conf of a test's own: programs entered into it see a loopback where every port is free and
 * ask the name server the test says, and the host sees nothing of it. Needs root.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { start, temporaryFolder } from './program.ts';
import { root } from './tree.ts';

export interface Cell {
  /** The command that runs `command` inside. */
  enter(command: readonly string[]): readonly string[];
  /** Replaces what resolvers inside read. */
  setResolvConf(text: string): void;
}

/** Why there can be none on this host; undefined: there can. */
export function whyNoCell(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are Linux';
  if (process.getuid?.() !== 0) return 'a network namespace needs root';
  const tried = spawnSync('unshare', ['--net', '--mount', 'ip', 'link', 'set', 'lo', 'up']);
  return tried.status === 0 ? undefined : 'unshare or ip does not work here';
}

export async function openCell(t: TestContext): Promise<Cell> {
  const resolvConf = join(temporaryFolder(t), 'resolv.conf');
  writeFileSync(resolvConf, '');
  const setUp =
    'ip link set lo up && mount --bind "$0" /etc/resolv.conf && echo open && exec sleep 900';
  const held = ['unshare', '--net', '--mount', '--propagation', 'private', 'sh', '-c'];
  const holder = start(t, [...held, setUp, resolvConf], { cwd: root });
  await holder.printed('open');
  const target = ['nsenter', '--target', String(holder.pid), '--net', '--mount', '--'];
  return {
    enter: (command) => [...target, ...command],
    // In place: the mount is of this very file.
    setResolvConf: (text) => writeFileSync(resolvConf, text),
  };
}
