/** Runs the rules of a chain over one packet, register by register, as the kernel would, and writes down what it did. */
import type { Expression, RuleSpec, Verdict } from '../../codec/nftables/index.ts';
import { jhash } from '../../model/jhash.ts';
import {
  keyText,
  type TracedElement,
  type TracedSet,
  type TracedTable,
} from './trace-tables.suite.ts';

/** A packet and its connection, as expressions see them; bytes as they stand in registers. */
export interface TracedPacket {
  /** Header bytes by base and offset. */
  readonly payload: (base: 'network' | 'transport', offset: number, length: number) => Uint8Array;
  readonly meta: (key: 'mark' | 'iifname' | 'l4proto' | 'priority') => Uint8Array;
  readonly ct: (key: Extract<Expression, { kind: 'ct' }>['key']) => Uint8Array;
  setPriority(value: Uint8Array): void;
  setMark(value: Uint8Array): void;
  dnat(address: Uint8Array, port: Uint8Array): void;
  masquerade(): void;
}

/** What does not follow from packet and rules. */
export interface Circumstances {
  readonly nowMs: number;
  readonly random: () => number;
  /** Of `numgen inc`, by rule: the kernel keeps one for each. */
  readonly turns: WeakMap<RuleSpec, number>;
  readonly steps: string[];
}

export type Ending = 'accept' | 'drop' | 'reject';

/** What a chain comes to; undefined when a packet leaves it at its end. */
export function runChain(
  name: string,
  packet: TracedPacket,
  { table, around }: { readonly table: TracedTable; readonly around: Circumstances },
): Ending | undefined {
  const chain = table.chains.get(name);
  if (chain === undefined) throw new Error(`Cannot run chain ${name}: there is none`);
  for (const [index, rule] of chain.rules.entries()) {
    const run = new RuleRun(rule, packet, table, around);
    const matched = run.run();
    if (run.did.length > 0) around.steps.push(`${name} rule ${index + 1}: ${run.did.join(', ')}`);
    if (!matched || run.verdict === undefined) continue;
    const { verdict } = run;
    if (verdict === 'reject') return verdict;
    switch (verdict.kind) {
      case 'accept':
      case 'drop':
        return verdict.kind;
      case 'return':
        return undefined;
      case 'goto':
        return runChain(verdict.chain, packet, { table, around });
      case 'jump': {
        const ending = runChain(verdict.chain, packet, { table, around });
        if (ending !== undefined) return ending;
      }
    }
  }
  return undefined;
}

class RuleRun {
  /** What it found or changed, in words. */
  readonly did: string[] = [];
  verdict: Verdict | 'reject' | undefined;
  private readonly registers = new Uint8Array(64);
  private readonly rule: RuleSpec;
  private readonly packet: TracedPacket;
  private readonly table: TracedTable;
  private readonly around: Circumstances;

  constructor(rule: RuleSpec, packet: TracedPacket, table: TracedTable, around: Circumstances) {
    this.rule = rule;
    this.packet = packet;
    this.table = table;
    this.around = around;
  }

  /** False when an expression said no. */
  run(): boolean {
    for (const expression of this.rule.expressions) {
      if (!this.eval(expression)) return false;
      if (this.verdict !== undefined) return true;
    }
    return true;
  }

  private eval(e: Expression): boolean {
    const { packet } = this;
    switch (e.kind) {
      case 'payload':
        return this.load(e.to, packet.payload(e.base, e.offset, e.length));
      case 'meta':
        return this.load(e.to, packet.meta(e.key));
      case 'ct':
        return this.load(e.to, packet.ct(e.key));
      case 'immediate':
        return this.load(e.to, e.value);
      case 'meta set':
        packet.setPriority(this.read(e.from, 4));
        return true;
      case 'ct mark set':
        packet.setMark(this.read(e.from, 4));
        return true;
      case 'cmp':
        return this.compare(e);
      case 'bitwise': {
        const bytes = this.read(e.from, e.mask.length);
        return this.load(
          e.to,
          bytes.map((byte, i) => (byte & (e.mask[i] ?? 0)) ^ (e.xor[i] ?? 0)),
        );
      }
      case 'verdict':
        return this.end(e.verdict);
      case 'lookup':
        return this.lookup(e);
      case 'dynset':
        return this.update(e);
      case 'numgen':
        return this.generate(e);
      case 'jhash':
        return this.hash(e);
      case 'dnat':
        packet.dnat(this.read(e.address, e.family === 2 ? 4 : 16), this.read(e.port, 2));
        this.did.push('dnat');
        return this.end({ kind: 'accept' }, false);
      case 'masquerade':
        packet.masquerade();
        this.did.push('masquerade');
        return this.end({ kind: 'accept' }, false);
      case 'reject':
        this.did.push('reject');
        this.verdict = 'reject';
        return true;
      case 'counter':
        return true;
    }
  }

  private end(verdict: Verdict, said = true): boolean {
    this.verdict = verdict;
    if (said) this.did.push('chain' in verdict ? `${verdict.kind} ${verdict.chain}` : verdict.kind);
    return true;
  }

  private load(to: number, bytes: Uint8Array): boolean {
    // The rest of the last word is zero, as the kernel leaves it.
    this.registers.fill(0, to * 4, to * 4 + ((bytes.length + 3) & ~3));
    this.registers.set(bytes, to * 4);
    return true;
  }

  private read(from: number, length: number): Uint8Array {
    return this.registers.slice(from * 4, from * 4 + length);
  }

  private loadWord(to: number, value: number): boolean {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
    return this.load(to, bytes);
  }

  private compare({ op, from, value }: Extract<Expression, { kind: 'cmp' }>): boolean {
    const order = Buffer.compare(this.read(from, value.length), value);
    switch (op) {
      case 'eq':
        return order === 0;
      case 'neq':
        return order !== 0;
      case 'lt':
        return order < 0;
      case 'lte':
        return order <= 0;
      case 'gt':
        return order > 0;
      case 'gte':
        return order >= 0;
    }
  }

  private lookup({
    set: name,
    from,
    to,
    inverted,
  }: Extract<Expression, { kind: 'lookup' }>): boolean {
    const set = this.setOf(name);
    const element = findElement(set, this.read(from, set.keyLength), this.around.nowMs);
    if ((element === undefined) !== (inverted === true)) return false;
    this.did.push(`${inverted === true ? 'not ' : ''}in ${name}`);
    const { data } = element ?? {};
    if (to === 'verdict') return data !== undefined && 'kind' in data && this.end(data);
    if (to === undefined) return true;
    return data instanceof Uint8Array && this.load(to, data);
  }

  private update(e: Extract<Expression, { kind: 'dynset' }>): boolean {
    const { nowMs } = this.around;
    const set = this.setOf(e.set);
    const key = this.read(e.key, set.keyLength);
    this.did.push(`${e.op} ${e.set}`);
    if (e.op === 'delete') {
      set.elements.delete(keyText(key));
      return true;
    }
    const expiresMs = nowMs + (e.timeoutMs ?? 0);
    const before = findElement(set, key, nowMs);
    if (before !== undefined) {
      if (e.op === 'update') set.elements.set(keyText(key), { ...before, expiresMs });
      return true;
    }
    if (set.size !== undefined && set.elements.size >= set.size) {
      for (const [other, { expiresMs: end }] of set.elements) {
        if (end !== undefined && end <= nowMs) set.elements.delete(other);
      }
      if (set.elements.size >= set.size) return false;
    }
    const data = e.value === undefined ? {} : { data: this.read(e.value, 4) };
    set.elements.set(keyText(key), { key, expiresMs, ...data });
    return true;
  }

  private generate({
    mode,
    modulus,
    offset,
    to,
  }: Extract<Expression, { kind: 'numgen' }>): boolean {
    const { turns, random } = this.around;
    if (mode === 'random') return this.loadWord(to, offset + Math.floor(random() * modulus));
    const turn = turns.get(this.rule) ?? 0;
    turns.set(this.rule, (turn + 1) % modulus);
    this.did.push(`turn ${turn} of ${modulus}`);
    return this.loadWord(to, offset + turn);
  }

  private hash(e: Extract<Expression, { kind: 'jhash' }>): boolean {
    const hash = jhash(this.read(e.from, e.length), e.seed);
    const reduced = Number((BigInt(hash) * BigInt(e.modulus)) >> 32n);
    this.did.push(`hash ${reduced} of ${e.modulus}`);
    return this.loadWord(e.to, e.offset + reduced);
  }

  private setOf(name: string): TracedSet {
    const set = this.table.sets.get(name);
    if (set === undefined) throw new Error(`Cannot look into set ${name}: there is none`);
    return set;
  }
}

function findElement(set: TracedSet, key: Uint8Array, nowMs: number): TracedElement | undefined {
  if (set.interval) return findInterval(set, key);
  const element = set.elements.get(keyText(key));
  const { expiresMs } = element ?? {};
  return expiresMs === undefined || expiresMs > nowMs ? element : undefined;
}

/** The last bound that is not behind the key; one that begins counts before one that ends at the same place. */
function findInterval({ elements }: TracedSet, key: Uint8Array): TracedElement | undefined {
  let best: TracedElement | undefined;
  for (const one of elements.values()) {
    if (Buffer.compare(one.key, key) > 0) continue;
    const order = best === undefined ? 1 : Buffer.compare(one.key, best.key);
    if (order > 0 || (order === 0 && one.intervalEnd !== true)) best = one;
  }
  return best?.intervalEnd === true ? undefined : best;
}
