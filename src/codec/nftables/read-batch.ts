/** A commit read back into what was said, statement by statement: the other half of `NftBatch`. */
import {
  be32At,
  listAttributes,
  nestedAt,
  netfilterSubsystems,
  readAttributes,
  readMessages,
  textAt,
  type Attributes,
  type NetlinkMessage,
} from '../netlink/index.ts';
import type { BaseHook, ElementSpec, RuleSpec } from './batch.ts';
import { commentAt } from './comments.ts';
import {
  chain as chains,
  data,
  element,
  elementIntervalEnd,
  elements as lists,
  hook as hookAttributes,
  hooks,
  listElement,
  messages,
  rule as rules,
  set as sets,
  setDescription,
  setFlags,
  table as tables,
} from './numbers.ts';
import { readExpression, readVerdict } from './read-expression.ts';

/** A set as the kernel knows it: lengths in bytes instead of types. */
export interface ReadSet {
  readonly name: string;
  readonly keyLength: number;
  readonly interval: boolean;
  /** Of one that rules fill: how many elements it takes. */
  readonly size: number | undefined;
}

/** One message; a chain with a hook is a base chain. */
export type BatchStatement = { readonly family: number; readonly table: string } & (
  | { readonly do: 'add table' | 'delete table' }
  | { readonly do: 'add chain'; readonly chain: string; readonly base: BaseHook | undefined }
  | { readonly do: 'delete chain' | 'flush chain'; readonly chain: string }
  | { readonly do: 'add rule'; readonly rule: RuleSpec }
  | { readonly do: 'add set'; readonly set: ReadSet }
  | { readonly do: 'delete set'; readonly set: string }
  | {
      readonly do: 'add elements' | 'delete elements';
      readonly set: string;
      readonly elements: readonly ElementSpec[];
    }
);

const headerBytes = 4;

/** In the order they were said. Throws on a message that `NftBatch` does not write. */
export function* readBatch(bytes: Uint8Array): Generator<BatchStatement> {
  for (const { type, body } of readMessages(bytes)) {
    if (type >> 8 !== netfilterSubsystems.nftables) continue;
    yield readStatement(type & 0xff, body[0] ?? 0, readAttributes(body, headerBytes));
  }
}

/** One message, of a commit or as the kernel lists its objects. Throws as `readBatch` does. */
export function readListed({ type, body }: NetlinkMessage): BatchStatement {
  return readStatement(type & 0xff, body[0] ?? 0, readAttributes(body, headerBytes));
}

/** The chain of a rule that the kernel lists, also of one that `readListed` cannot read. */
export function chainOfRule({ body }: NetlinkMessage): string {
  return textAt(readAttributes(body, headerBytes), rules.chain) ?? '';
}

function readStatement(message: number, family: number, a: Attributes): BatchStatement {
  const name = (type: number): string => textAt(a, type) ?? '';
  // In all messages but those of tables themselves the first attribute is the table.
  const at = { family, table: name(tables.name) };
  switch (message) {
    case messages.newTable:
      return { ...at, do: 'add table' };
    case messages.delTable:
      return { ...at, do: 'delete table' };
    case messages.newChain:
      return { ...at, do: 'add chain', chain: name(chains.name), base: readBase(a) };
    case messages.delChain:
      return { ...at, do: 'delete chain', chain: name(chains.name) };
    case messages.newRule:
      return { ...at, do: 'add rule', rule: readRule(a) };
    case messages.delRule:
      return { ...at, do: 'flush chain', chain: name(rules.chain) };
    case messages.newSet:
      return { ...at, do: 'add set', set: readSet(a) };
    case messages.delSet:
      return { ...at, do: 'delete set', set: name(sets.name) };
    case messages.newSetElem:
    case messages.delSetElem: {
      const verb = message === messages.newSetElem ? 'add elements' : 'delete elements';
      return { ...at, do: verb, set: name(lists.set), elements: readElements(a) };
    }
    default:
      throw new Error(`Cannot read message ${message} of nf_tables`);
  }
}

function readBase(a: Attributes): BaseHook | undefined {
  if (!a.has(chains.hook)) return undefined;
  const own = nestedAt(a, chains.hook);
  const number = be32At(own, hookAttributes.number);
  const hook = hookNames.find((name) => hooks[name] === number);
  if (hook === undefined) throw new Error(`Cannot read hook ${number} of nf_tables`);
  return {
    hook,
    type: textAt(a, chains.type) === 'nat' ? 'nat' : 'filter',
    priority: (be32At(own, hookAttributes.priority) ?? 0) | 0,
  };
}

const hookNames = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;

/** The expressions of a rule, of a commit or as the kernel lists it. */
function readRule(a: Attributes): RuleSpec {
  const list = a.get(rules.expressions) ?? new Uint8Array(0);
  const comment = commentAt(a, rules.userdata);
  return {
    chain: textAt(a, rules.chain) ?? '',
    expressions: listAttributes(list).map(({ value }) => readExpression(readAttributes(value))),
    ...(comment === undefined ? {} : { comment }),
  };
}

function readSet(a: Attributes): ReadSet {
  const flags = be32At(a, sets.flags) ?? 0;
  return {
    name: textAt(a, sets.name) ?? '',
    keyLength: be32At(a, sets.keyLength) ?? 0,
    interval: (flags & setFlags.interval) !== 0,
    size: be32At(nestedAt(a, sets.description), setDescription.size),
  };
}

function readElements(a: Attributes): readonly ElementSpec[] {
  const list = a.get(lists.list) ?? new Uint8Array(0);
  return listAttributes(list)
    .filter(({ type }) => type === listElement)
    .map(({ value }) => readElement(readAttributes(value)));
}

function readElement(a: Attributes): ElementSpec {
  const key = nestedAt(a, element.key).get(data.value) ?? new Uint8Array(0);
  const to = nestedAt(a, element.data);
  const bytes = to.get(data.value);
  const verdict = to.has(data.verdict) ? readVerdict(to) : undefined;
  const value = bytes ?? verdict;
  const intervalEnd = ((be32At(a, element.flags) ?? 0) & elementIntervalEnd) !== 0;
  const comment = commentAt(a, element.userdata);
  return {
    key,
    ...(value === undefined ? {} : { data: value }),
    ...(intervalEnd ? { intervalEnd } : {}),
    ...(comment === undefined ? {} : { comment }),
  };
}
