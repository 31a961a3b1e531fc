/**
 * Tables as the kernel keeps them, filled by the very bytes that are sent to it. Stricter than the kernel: what is
 * added twice with other data, or taken away without being there, is an error here as there.
 */
import {
  readBatch,
  type BaseHook,
  type ElementSpec,
  type ReadSet,
  type RuleSpec,
  type BatchStatement,
} from '../../codec/nftables/index.ts';

export interface TracedSet extends ReadSet {
  /** By the key as text. */
  readonly elements: Map<string, TracedElement>;
}

export interface TracedElement extends ElementSpec {
  /** Of elements that rules add; undefined: for ever. */
  readonly expiresMs?: number;
}

export interface TracedChain {
  readonly name: string;
  readonly base: BaseHook | undefined;
  readonly rules: RuleSpec[];
}

export interface TracedTable {
  readonly sets: Map<string, TracedSet>;
  readonly chains: Map<string, TracedChain>;
}

export class TracedTables {
  /** By the number of the family and the name. */
  private readonly tables = new Map<string, TracedTable>();

  commit(bytes: Uint8Array): void {
    for (const statement of readBatch(bytes)) this.carryOut(statement);
  }

  table(family: number, name: string): TracedTable {
    return found(this.tables, `${family} ${name}`, 'table');
  }

  private carryOut(statement: BatchStatement): void {
    const { family, table } = statement;
    const key = `${family} ${table}`;
    if (statement.do === 'add table') {
      if (!this.tables.has(key)) this.tables.set(key, { sets: new Map(), chains: new Map() });
    } else if (statement.do === 'delete table') {
      found(this.tables, key, 'table');
      this.tables.delete(key);
    } else {
      carryOut(this.table(family, table), statement);
    }
  }
}

function carryOut({ sets, chains }: TracedTable, statement: BatchStatement): void {
  switch (statement.do) {
    case 'add table':
    case 'delete table':
      return;
    case 'add chain':
      absent(chains, statement.chain, 'chain');
      chains.set(statement.chain, { name: statement.chain, base: statement.base, rules: [] });
      return;
    case 'delete chain':
      if (found(chains, statement.chain, 'chain').rules.length > 0) {
        throw new Error(`Cannot delete chain ${statement.chain}: it has rules`);
      }
      chains.delete(statement.chain);
      return;
    case 'flush chain':
      found(chains, statement.chain, 'chain').rules.length = 0;
      return;
    case 'add rule':
      found(chains, statement.rule.chain, 'chain').rules.push(statement.rule);
      return;
    case 'add set':
      absent(sets, statement.set.name, 'set');
      sets.set(statement.set.name, { ...statement.set, elements: new Map() });
      return;
    case 'delete set':
      found(sets, statement.set, 'set');
      sets.delete(statement.set);
      return;
    case 'add elements':
      addElements(found(sets, statement.set, 'set'), statement.elements);
      return;
    case 'delete elements': {
      const { name, elements } = found(sets, statement.set, 'set');
      for (const one of statement.elements) {
        found(elements, keyOf(one), `element of ${name}`);
        elements.delete(keyOf(one));
      }
    }
  }
}

function addElements(
  { name, keyLength, elements }: TracedSet,
  added: readonly ElementSpec[],
): void {
  for (const one of added) {
    if (one.key.length !== keyLength) {
      throw new Error(`Cannot add an element of ${one.key.length} bytes to ${name}: ${keyLength}`);
    }
    const before = elements.get(keyOf(one));
    if (before !== undefined && JSON.stringify(before.data) !== JSON.stringify(one.data)) {
      throw new Error(`Cannot add an element to ${name}: the key has other data`);
    }
    elements.set(keyOf(one), one);
  }
}

/** The end of an interval may be where another one begins. */
function keyOf({ key, intervalEnd }: ElementSpec): string {
  return `${keyText(key)}${intervalEnd === true ? ' end' : ''}`;
}

export function keyText(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}

function found<T>(all: ReadonlyMap<string, T>, key: string, what: string): T {
  const one = all.get(key);
  if (one === undefined) throw new Error(`Cannot find ${what} ${key}`);
  return one;
}

function absent(all: ReadonlyMap<string, unknown>, key: string, what: string): void {
  if (all.has(key)) throw new Error(`Cannot add ${what} ${key}: there is one`);
}
