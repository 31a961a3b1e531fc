/** A `switchyard gateway` beside a running shop, over the shop's own API. */
import type { TestContext } from 'node:test';
import { join } from 'node:path';
import { start, type Program } from './program.ts';
import type { Shop } from './shop.ts';
import { root } from './tree.ts';

export interface GatewayProcess {
  /** `HOST:PORT` where Services answer by name. */
  readonly at: string;
  /** What it printed until it served. */
  readonly said: string;
  readonly program: Program;
}

export async function startGatewayProcess(
  t: TestContext,
  shop: Shop,
  { name, args = [] }: { name: string; args?: readonly string[] },
): Promise<GatewayProcess> {
  const command = [join(root, 'switchyard'), 'gateway', '--kubeconfig', shop.kubeconfig];
  const own = ['--listen', '127.0.0.1:0', '--instance', name, ...args];
  const program = start(t, [...command, ...own], shop.home);
  const said = await program.printed('Ready');
  return { at: /by name at http:\/\/(\S+):/.exec(said)?.[1] ?? '', said, program };
}
