/**
 * One commit of nf_tables: everything that is to change, in the order it is said, as the bytes of one send. The
 * kernel takes all of it or none.
 */
import {
  NetlinkWriter,
  netfilterSubsystems,
  netlinkFlags,
  netlinkTypes,
} from '../netlink/index.ts';
import { writeExpression, writeVerdict, type Expression, type Verdict } from './expressions.ts';
import {
  chain as chains,
  concatenationBits,
  data,
  dataLengths,
  dataTypes,
  element,
  elementIntervalEnd,
  elements as lists,
  expression,
  hook as hookAttributes,
  hooks,
  listElement,
  messages,
  rule as rules,
  set as sets,
  setDescription,
  setFlags,
  table as tables,
  verdictType,
  type DataType,
} from './numbers.ts';

/** A table, by the family's number and its name. */
export interface TableRef {
  readonly family: number;
  readonly name: string;
}

export interface BaseHook {
  readonly type: 'filter' | 'nat';
  readonly hook: keyof typeof hooks;
  readonly priority: number;
}

export interface SetSpec {
  readonly name: string;
  /** More than one: a concatenation. */
  readonly key: readonly DataType[];
  /** There for a map. */
  readonly data?: readonly DataType[] | 'verdict';
  readonly interval?: boolean;
  readonly counter?: boolean;
  /** Filled by rules: at most so many, each with a time of its own. */
  readonly dynamic?: { readonly size: number };
  readonly comment?: string;
}

export interface ElementSpec {
  readonly key: Uint8Array;
  readonly data?: Uint8Array | Verdict;
  /** The first key behind an interval. */
  readonly intervalEnd?: boolean;
  /** In a map whose elements expire. */
  readonly expires?: Expiry;
  readonly comment?: string;
}

/** When an element goes: after so long without use, and how much of that is left. */
export interface Expiry {
  readonly afterMs: number;
  readonly leftMs: number;
}

export interface RuleSpec {
  readonly chain: string;
  readonly expressions: readonly Expression[];
  readonly comment?: string;
}

/** An attribute holds 65,535 bytes; an element with a comment takes at most some 600. */
const fullList = 60_000;
const encoder = new TextEncoder();

export class NftBatch {
  private readonly writer: NetlinkWriter;
  private sequence = 1;
  private count = 0;
  private table: TableRef = { family: 0, name: '' };

  constructor(roomFor?: number) {
    this.writer = new NetlinkWriter(roomFor);
    this.mark(netlinkTypes.batchBegin);
  }

  /** Everything said from here on is about this table. */
  in(table: TableRef): this {
    this.table = table;
    return this;
  }

  /** How many objects it changes. */
  get operations(): number {
    return this.count;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  addTable(comment?: string): void {
    this.write(messages.newTable, netlinkFlags.create | netlinkFlags.acknowledge, () => {
      this.writer.text(tables.name, this.table.name);
      this.writeComment(tables.userdata, comment);
    });
  }

  deleteTable(): void {
    this.write(messages.delTable, 0, () => this.writer.text(tables.name, this.table.name));
  }

  addChain(name: string, { base, comment }: { base?: BaseHook; comment?: string } = {}): void {
    const w = this.writer;
    this.write(messages.newChain, netlinkFlags.create, () => {
      w.text(chains.table, this.table.name);
      w.text(chains.name, name);
      if (base !== undefined) {
        w.nested(chains.hook, () => {
          w.be32(hookAttributes.number, hooks[base.hook]);
          w.be32(hookAttributes.priority, base.priority);
        });
        w.be32(chains.policy, 1);
        w.text(chains.type, base.type);
      }
      this.writeComment(chains.userdata, comment);
    });
  }

  deleteChain(name: string): void {
    this.write(messages.delChain, 0, () => {
      this.writer.text(chains.table, this.table.name);
      this.writer.text(chains.name, name);
    });
  }

  /** Takes all rules out of a chain. */
  flushChain(name: string): void {
    this.write(messages.delRule, 0, () => {
      this.writer.text(rules.table, this.table.name);
      this.writer.text(rules.chain, name);
    });
  }

  /** At the end of its chain. */
  addRule({ chain, expressions, comment }: RuleSpec): void {
    const w = this.writer;
    this.write(messages.newRule, netlinkFlags.create | netlinkFlags.append, () => {
      w.text(rules.table, this.table.name);
      w.text(rules.chain, chain);
      w.nested(rules.expressions, () => {
        for (const e of expressions) w.nested(listElement, () => writeExpression(w, e));
      });
      this.writeComment(rules.userdata, comment);
    });
  }

  addSet(spec: SetSpec): void {
    const w = this.writer;
    this.write(messages.newSet, netlinkFlags.create, () => {
      w.text(sets.table, this.table.name);
      w.text(sets.name, spec.name);
      w.be32(sets.flags, flagsOf(spec));
      w.be32(sets.keyType, typeNumber(spec.key));
      w.be32(sets.keyLength, lengthOf(spec.key));
      if (spec.data === 'verdict') w.be32(sets.dataType, verdictType);
      else if (spec.data !== undefined) {
        w.be32(sets.dataType, typeNumber(spec.data));
        w.be32(sets.dataLength, lengthOf(spec.data));
      }
      w.be32(sets.id, this.sequence);
      const { dynamic } = spec;
      if (dynamic !== undefined) {
        w.nested(sets.description, () => w.be32(setDescription.size, dynamic.size));
      }
      w.attribute(sets.userdata, byteOrders(spec));
      if (spec.counter === true) {
        w.nested(sets.expression, () => {
          w.text(expression.name, 'counter');
          w.nested(expression.data, () => undefined);
        });
      }
    });
  }

  deleteSet(name: string): void {
    this.write(messages.delSet, 0, () => {
      this.writer.text(sets.table, this.table.name);
      this.writer.text(sets.name, name);
    });
  }

  addElements(set: string, elements: Iterable<ElementSpec>): void {
    this.writeElements(messages.newSetElem, set, elements);
  }

  /** Their data does not matter. */
  deleteElements(set: string, elements: Iterable<ElementSpec>): void {
    this.writeElements(messages.delSetElem, set, elements);
  }

  /** The bytes of the whole batch; nothing can be added behind them. */
  finish(): Uint8Array {
    this.mark(netlinkTypes.batchEnd);
    return this.writer.bytes();
  }

  /** The bytes without an end: the kernel tries all of it and undoes it again. */
  finishUnended(): Uint8Array {
    return this.writer.bytes();
  }

  private writeElements(message: number, set: string, elements: Iterable<ElementSpec>): void {
    const iterator = elements[Symbol.iterator]();
    let next = iterator.next();
    while (next.done !== true) {
      const create = message === messages.newSetElem ? netlinkFlags.create : 0;
      this.write(message, create, () => {
        const w = this.writer;
        w.text(lists.table, this.table.name);
        w.text(lists.set, set);
        const list = w.openNested(lists.list);
        while (next.done !== true && w.length - list < fullList) {
          this.writeElement(next.value);
          next = iterator.next();
          this.count++;
        }
        w.closeNested(list);
        this.count--;
      });
    }
  }

  private writeElement({ key, data: value, intervalEnd, expires, comment }: ElementSpec): void {
    const w = this.writer;
    const start = w.openNested(listElement);
    const keyStart = w.openNested(element.key);
    w.attribute(data.value, key);
    w.closeNested(keyStart);
    if (value !== undefined) {
      const dataStart = w.openNested(element.data);
      if (value instanceof Uint8Array) w.attribute(data.value, value);
      else writeVerdict(w, value);
      w.closeNested(dataStart);
    }
    if (intervalEnd === true) w.be32(element.flags, elementIntervalEnd);
    if (expires !== undefined) {
      w.be64(element.timeout, BigInt(expires.afterMs));
      w.be64(element.expiration, BigInt(expires.leftMs));
    }
    this.writeComment(element.userdata, comment);
    w.closeNested(start);
  }

  /** As `nft` writes and shows comments: a type of 0, a length, text with a zero byte. 128 bytes are the most. */
  private writeComment(type: number, comment: string | undefined): void {
    if (comment === undefined) return;
    const text = encoder.encode(comment).subarray(0, 126);
    const bytes = new Uint8Array(2 + text.length + 1);
    bytes[1] = text.length + 1;
    bytes.set(text, 2);
    this.writer.attribute(type, bytes);
  }

  private write(message: number, flags: number, body: () => void): void {
    const header = {
      type: (netfilterSubsystems.nftables << 8) | message,
      flags: netlinkFlags.request | flags,
      sequence: this.sequence++,
    };
    this.writer.message(header, () => {
      this.writer.raw(Uint8Array.of(this.table.family, 0, 0, 0));
      body();
    });
    this.count++;
  }

  private mark(type: number): void {
    const header = { type, flags: netlinkFlags.request, sequence: this.sequence++ };
    this.writer.message(header, () =>
      this.writer.raw(Uint8Array.of(0, 0, 0, netfilterSubsystems.nftables)),
    );
  }
}

/** For `nft` alone: without it numbers in the host's order are printed the wrong way round. */
function byteOrders({ key, data: value }: SetSpec): Uint8Array {
  const [hostOrder, networkOrder] = [1, 2];
  const orderOf = (types: readonly DataType[]): number =>
    types.every((type) => type === 'mark') ? hostOrder : networkOrder;
  const types = Array.isArray(value) ? [key, value] : [key];
  return Uint8Array.from(types.flatMap((one, i) => [i, 4, orderOf(one), 0, 0, 0]));
}

function flagsOf({ data: value, interval, dynamic }: SetSpec): number {
  return (
    (value === undefined ? 0 : setFlags.map) |
    (interval === true ? setFlags.interval : 0) |
    (dynamic === undefined ? 0 : setFlags.timeout | setFlags.eval)
  );
}

function typeNumber(types: readonly DataType[]): number {
  return types.reduce((number, type) => (number << concatenationBits) | dataTypes[type], 0);
}

/** Parts of a concatenation are padded to whole registers; a type alone is not. */
function lengthOf(types: readonly DataType[]): number {
  const [only, ...more] = types;
  if (only !== undefined && more.length === 0) return dataLengths[only];
  return types.reduce((sum, type) => sum + ((dataLengths[type] + 3) & ~3), 0);
}
