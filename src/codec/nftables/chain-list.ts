/** Every chain of the kernel, whoever made it: where it hooks in, and what becomes of packets that reach its end. */
import {
  be32At,
  nestedAt,
  NetlinkWriter,
  netfilterSubsystems,
  netlinkFlags,
  readAttributes,
  textAt,
  type NetlinkMessage,
} from '../netlink/index.ts';
import { chain as chains, familyWords, hook as hooked, hooks, messages } from './numbers.ts';

export interface ChainInfo {
  /** As `nft` says it: `ip`, `inet`. */
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Undefined when other chains lead to it, and no hook. */
  readonly base:
    | { readonly hook: string; readonly priority: number; readonly type: string }
    | undefined;
  readonly drops: boolean;
}

const headerBytes = 4;

/** All chains of all families. */
export function chainsQuery(): Uint8Array {
  const w = new NetlinkWriter(64);
  const type = (netfilterSubsystems.nftables << 8) | messages.getChain;
  const flags = netlinkFlags.request | netlinkFlags.dump;
  w.message({ type, flags, sequence: 1 }, () => w.raw(Uint8Array.of(0, 0, 0, 0)));
  return w.bytes();
}

export function readChain({ body }: NetlinkMessage): ChainInfo {
  const attributes = readAttributes(body, headerBytes);
  const [number = 0] = body;
  const hook = nestedAt(attributes, chains.hook);
  const at = be32At(hook, hooked.number);
  const base =
    at === undefined
      ? undefined
      : {
          hook: Object.entries(hooks).find(([, one]) => one === at)?.[0] ?? String(at),
          priority: (be32At(hook, hooked.priority) ?? 0) | 0,
          type: textAt(attributes, chains.type) ?? '',
        };
  return {
    family: familyWords[number] ?? String(number),
    table: textAt(attributes, chains.table) ?? '',
    name: textAt(attributes, chains.name) ?? '',
    base,
    drops: base !== undefined && be32At(attributes, chains.policy) === 0,
  };
}
