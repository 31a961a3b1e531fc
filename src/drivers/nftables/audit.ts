/**
 * What the kernel has against what it should have, object by object: the Plan rendered anew, at the places its pools
 * have, and read back as the kernel would list it.
 */
import {
  elementsQuery,
  chainOfRule,
  listQuery,
  readBatch,
  readChain,
  readListed,
  type ChainInfo,
  type NftBatch,
  type BatchStatement,
} from '../../codec/nftables/index.ts';
import type { NetlinkMessage } from '../../codec/netlink/index.ts';
import { messageOf, type Deviation, type IpFamily } from '../../model/index.ts';
import { isNotFound, type NetlinkSocket } from '../../sys/netlink/index.ts';
import { formatElement, formatElementKey, formatExpression } from './audit-words.ts';
import { families, tableName } from './family.ts';

/** A table as sets of named things, each with what it says. */
interface Table {
  readonly chains: Map<string, string>;
  /** By chain. */
  readonly rules: Map<string, string[]>;
  readonly sets: Map<string, string>;
  /** By set, then by key. */
  readonly elements: Map<string, Map<string, string>>;
}

export interface AuditOptions {
  readonly socket: NetlinkSocket;
  readonly family: IpFamily;
  /** What everything of this family would be made by. */
  readonly wanted: Pick<NftBatch, 'finish'>;
  /** The ServicePort an element or a chain is of, by the names below. */
  readonly owners: ReadonlyMap<string, string>;
}

export const ownerOfChain = (chain: string): string => `chain ${chain}`;
export const ownerOfElement = (set: string, key: Uint8Array): string =>
  `${set} ${Buffer.from(key).toString('hex')}`;

const familyWords = { IPv4: 'ip', IPv6: 'ip6' } as const;
/** Made for a timeout when a Service first has it, filled by packets, and kept until the table is made anew. */
const ofTimeout = /^affinity-\d+(-cluster|-local)?$/;

export function auditFamily(options: AuditOptions): readonly Deviation[] {
  const { family } = options;
  const expected = emptyTable();
  for (const statement of readBatch(options.wanted.finish())) note(expected, statement);
  const found = readKernel(options.socket, family);
  const nft = `${familyWords[family]} ${tableName}`;
  const remedy = `sudo nft delete table ${nft}; the running instance makes it anew within a second`;
  if (found === undefined) {
    const object = `table ${nft}`;
    return [{ server: undefined, object, found: undefined, expected: 'there', remedy }];
  }
  const comparison = new Comparison({ ...options, expected, found, nft, remedy });
  return comparison.deviations();
}

class Comparison {
  private readonly options: AuditOptions & {
    readonly expected: Table;
    readonly found: Table;
    readonly nft: string;
    readonly remedy: string;
  };
  private readonly all: Deviation[] = [];

  constructor(options: Comparison['options']) {
    this.options = options;
  }

  deviations(): readonly Deviation[] {
    const { expected, found } = this.options;
    this.compare('chain', expected.chains, found.chains);
    this.compare('set', expected.sets, found.sets);
    for (const [chain, rules] of expected.rules) {
      if (found.chains.has(chain)) this.compareRules(chain, rules, found.rules.get(chain) ?? []);
    }
    for (const [chain, rules] of found.rules) {
      if (expected.chains.has(chain) && !expected.rules.has(chain)) {
        this.compareRules(chain, [], rules);
      }
    }
    for (const set of expected.sets.keys()) {
      if (!found.sets.has(set) || ofTimeout.test(set)) continue;
      const none = new Map<string, string>();
      this.compareElements(
        set,
        expected.elements.get(set) ?? none,
        found.elements.get(set) ?? none,
      );
    }
    return this.all;
  }

  private compare(
    what: 'chain' | 'set',
    expected: ReadonlyMap<string, string>,
    found: ReadonlyMap<string, string>,
  ): void {
    for (const [name, text] of expected) {
      const there = found.get(name);
      if (there !== text) this.tell(ownerOfChain(name), `${what} ${name}`, there, text);
    }
    for (const [name, text] of found) {
      if (expected.has(name) || ofTimeout.test(name)) continue;
      this.tell(ownerOfChain(name), `${what} ${name}`, text, undefined);
    }
  }

  private compareRules(chain: string, expected: readonly string[], found: readonly string[]): void {
    const wanted = new Set(expected);
    const extra = found.filter((rule) => !wanted.has(rule));
    const there = new Set(found);
    const missing = expected.filter((rule) => !there.has(rule));
    const owner = ownerOfChain(chain);
    for (const rule of missing) {
      const at = expected.indexOf(rule) + 1;
      this.tell(owner, `chain ${chain}, rule ${at}`, extra.shift(), rule);
    }
    for (const rule of extra) {
      const at = found.indexOf(rule) + 1;
      this.tell(owner, `chain ${chain}, rule ${at}`, rule, undefined);
    }
    if (missing.length > 0 || found.length === expected.length) {
      const isSame = found.every((rule, i) => rule === expected[i]);
      if (missing.length > 0 || isSame) return;
      this.tell(owner, `chain ${chain}`, 'its rules in another order', 'in the order they act');
    } else if (found.every((rule) => wanted.has(rule))) {
      this.tell(owner, `chain ${chain}`, `${found.length} rules`, `${expected.length} rules`);
    }
  }

  private compareElements(
    set: string,
    expected: ReadonlyMap<string, string>,
    found: ReadonlyMap<string, string>,
  ): void {
    const { family } = this.options;
    const object = (key: string): string =>
      `set ${set}, element ${formatElementKey(set, key, family)}`;
    for (const [key, text] of expected) {
      const there = found.get(key);
      if (there !== text) this.tell(`${set} ${key}`, object(key), there, text);
    }
    for (const [key, text] of found) {
      if (!expected.has(key)) {
        this.tell(`${set} ${key}`, object(key), text, undefined);
      }
    }
  }

  private tell(
    owner: string,
    object: string,
    found: string | undefined,
    expected: string | undefined,
  ): void {
    const { owners, nft, remedy } = this.options;
    this.all.push({
      server: owners.get(owner),
      object: `table ${nft}, ${object}`,
      found,
      expected,
      remedy,
    });
  }
}

function emptyTable(): Table {
  return { chains: new Map(), rules: new Map(), sets: new Map(), elements: new Map() };
}

function note(table: Table, statement: BatchStatement): void {
  switch (statement.do) {
    case 'add chain':
      noteChain(table, statement.chain, { base: statement.base, drops: false });
      return;
    case 'add rule': {
      const { chain, expressions } = statement.rule;
      addRule(table, chain, expressions.map(formatExpression).join(', '));
      return;
    }
    case 'add set': {
      const { name, keyLength, interval } = statement.set;
      table.sets.set(name, `keys of ${keyLength} bytes${interval ? ', ranges' : ''}`);
      return;
    }
    case 'add elements': {
      const own = table.elements.get(statement.set) ?? new Map<string, string>();
      table.elements.set(statement.set, own);
      for (const { key, data, intervalEnd } of statement.elements) {
        const end = intervalEnd === true ? ' end' : '';
        own.set(`${Buffer.from(key).toString('hex')}${end}`, formatElement(data));
      }
      return;
    }
    case 'add table':
    case 'delete table':
    case 'delete chain':
    case 'flush chain':
    case 'delete set':
    case 'delete elements':
  }
}

function noteChain(
  { chains }: Table,
  name: string,
  { base, drops }: Pick<ChainInfo, 'base' | 'drops'>,
): void {
  const hooked =
    base === undefined ? 'no hook' : `${base.type} ${base.hook} priority ${base.priority}`;
  chains.set(name, drops ? `${hooked}, policy drop` : hooked);
}

function addRule({ rules }: Table, chain: string, text: string): void {
  const before = rules.get(chain);
  if (before === undefined) rules.set(chain, [text]);
  else before.push(text);
}

/** Whoever wrote it: it may have expressions that we do not know. */
function noteRule(table: Table, message: NetlinkMessage): void {
  try {
    note(table, readListed(message));
  } catch (error) {
    addRule(table, chainOfRule(message), `a rule of somebody else (${messageOf(error)})`);
  }
}

/** Undefined when there is no such table. */
function readKernel(socket: NetlinkSocket, family: IpFamily): Table | undefined {
  const ref = { family: families[family].number, name: tableName };
  const table = emptyTable();
  try {
    socket.dump('list chains', listQuery(ref, 'chains'), (message) => {
      const chain = readChain(message);
      if (chain.table === tableName) noteChain(table, chain.name, chain);
    });
    socket.dump('list sets', listQuery(ref, 'sets'), (message) => note(table, readListed(message)));
    socket.dump('list rules', listQuery(ref, 'rules'), (message) => noteRule(table, message));
    for (const set of table.sets.keys()) {
      if (ofTimeout.test(set)) continue;
      socket.dump(`list the elements of ${set}`, elementsQuery(ref, set), (message) => {
        note(table, readListed(message));
      });
    }
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  return table.chains.size === 0 ? undefined : table;
}
