/**
 * A batch in words, as `nft` would have them: for the log, when the kernel refused it. Read from the bytes that were
 * sent, so that a commit that goes well pays nothing for it.
 */
import { formatIp } from '../../model/index.ts';
import {
  be32At,
  listAttributes,
  nestedAt,
  netfilterSubsystems,
  readAttributes,
  readMessages,
  textAt,
  type Attributes,
} from '../netlink/index.ts';
import {
  chain as chains,
  concatenationBits,
  data,
  dataLengths,
  dataTypes,
  element,
  elements as lists,
  expression,
  familyWords,
  listElement,
  messages,
  rule as rules,
  set as sets,
  table as tables,
  verdict,
  type DataType,
} from './numbers.ts';

export interface StatementText {
  /** Of the message it is in, as the kernel's refusal quotes it. */
  readonly sequence: number;
  /** Where in the message it begins, header included. */
  readonly offset: number;
  readonly text: string;
}

/** What the parts of a key are, by the table's family: a set's own definition may be in another batch. */
type KeyTypes = (set: string, family: number) => readonly DataType[] | undefined;

const headerBytes = 20;
const protocolWords: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp' };
const verdictWords: Readonly<Record<number, string>> = {
  [0]: 'drop',
  [1]: 'accept',
  [-3]: 'jump',
  [-4]: 'goto',
  [-5]: 'return',
};

/** In the order they were sent; what is no message of nf_tables is left out. */
export function* describeBatch(bytes: Uint8Array, keyTypes: KeyTypes): Generator<StatementText> {
  const known = new Map<string, readonly DataType[]>();
  const typesOf: KeyTypes = (set, family) => known.get(`${family} ${set}`) ?? keyTypes(set, family);
  for (const { type, sequence, body } of readMessages(bytes)) {
    if (type >> 8 !== netfilterSubsystems.nftables) continue;
    const attributes = readAttributes(body, 4);
    const [number = 0] = body;
    const family = familyWords[number] ?? `family ${number}`;
    const message = type & 0xff;
    if (message === messages.newSet) {
      const types = typesFrom(be32At(attributes, sets.keyType));
      known.set(`${number} ${textAt(attributes, sets.name)}`, types);
    }
    if (message === messages.newSetElem || message === messages.delSetElem) {
      const verb = message === messages.newSetElem ? 'add' : 'delete';
      yield* describeElements({ verb, family, body, sequence }, attributes, typesOf);
    } else {
      const text = describeObject(message, family, attributes);
      yield { sequence, offset: 0, text };
    }
  }
}

interface ElementsMessage {
  readonly verb: string;
  readonly family: string;
  readonly body: Uint8Array;
  readonly sequence: number;
}

function* describeElements(
  { verb, family, body, sequence }: ElementsMessage,
  attributes: Attributes,
  typesOf: KeyTypes,
): Generator<StatementText> {
  const table = textAt(attributes, lists.table);
  const set = textAt(attributes, lists.set) ?? '';
  const types = typesOf(set, body[0] ?? 0);
  const list = attributes.get(lists.list) ?? new Uint8Array(0);
  const listAt = list.byteOffset - body.byteOffset;
  for (const { type, value } of listAttributes(list)) {
    if (type !== listElement) continue;
    const one = readAttributes(value);
    const key = nestedAt(one, element.key).get(data.value) ?? new Uint8Array(0);
    const to = nestedAt(one, element.data);
    const parts = [formatKey(key, types), ...describeData(to)];
    yield {
      sequence,
      offset: headerBytes - 4 + listAt + (value.byteOffset - list.byteOffset) - 4,
      text: `${verb} element ${family} ${table} ${set} { ${parts.join(' : ')} }`,
    };
  }
}

function describeData(attributes: Attributes): string[] {
  const value = attributes.get(data.value);
  if (value !== undefined) return [formatValue(value)];
  return attributes.has(data.verdict) ? [verdictText(nestedAt(attributes, data.verdict))] : [];
}

function verdictText(attributes: Attributes): string {
  const code = (be32At(attributes, verdict.code) ?? 0) | 0;
  const word = verdictWords[code] ?? `verdict ${code}`;
  const to = textAt(attributes, verdict.chain);
  return to === undefined ? word : `${word} ${to}`;
}

const nouns = new Map<number, readonly [verb: string, noun: string, names: readonly number[]]>([
  [messages.newTable, ['add', 'table', [tables.name]]],
  [messages.delTable, ['delete', 'table', [tables.name]]],
  [messages.newChain, ['add', 'chain', [chains.table, chains.name]]],
  [messages.delChain, ['delete', 'chain', [chains.table, chains.name]]],
  [messages.newRule, ['add', 'rule', [rules.table, rules.chain]]],
  [messages.delRule, ['flush', 'chain', [rules.table, rules.chain]]],
  [messages.newSet, ['add', 'set', [sets.table, sets.name]]],
  [messages.delSet, ['delete', 'set', [sets.table, sets.name]]],
]);

function describeObject(message: number, family: string, attributes: Attributes): string {
  const [verb, noun, names] = nouns.get(message) ?? ['message', String(message), []];
  const words = names.map((name) => textAt(attributes, name));
  const text = [verb, noun, family, ...words].join(' ');
  const list = message === messages.newRule ? attributes.get(rules.expressions) : undefined;
  if (list === undefined) return text;
  const expressions = listAttributes(list).map(({ value }) => describeExpression(value));
  return `${text} ${expressions.join('; ')}`;
}

/** Its name, and what it names: the set it asks, where it goes to. */
function describeExpression(bytes: Uint8Array): string {
  const attributes = readAttributes(bytes);
  const name = textAt(attributes, expression.name) ?? '';
  const body = nestedAt(attributes, expression.data);
  if (name === 'lookup' || name === 'dynset') return `${name} @${textAt(body, 1)}`;
  const to = name === 'immediate' ? nestedAt(body, 2) : undefined;
  return to?.has(data.verdict) === true ? verdictText(nestedAt(to, data.verdict)) : name;
}

function typesFrom(number: number | undefined): readonly DataType[] {
  const types: DataType[] = [];
  for (let rest = number ?? 0; rest !== 0; rest >>>= concatenationBits) {
    const type = rest & ((1 << concatenationBits) - 1);
    const found = Object.entries(dataTypes).find(([, one]) => one === type);
    if (found === undefined) return [];
    types.unshift(found[0] as DataType);
  }
  return types;
}

export function formatKey(key: Uint8Array, types: readonly DataType[] | undefined): string {
  if (types === undefined || types.length === 0) return hex(key);
  const parts: string[] = [];
  let at = 0;
  for (const type of types) {
    const bytes = key.subarray(at, at + dataLengths[type]);
    at += (dataLengths[type] + 3) & ~3;
    parts.push(formatPart(bytes, type));
  }
  return parts.join(' . ');
}

function formatPart(bytes: Uint8Array, type: DataType): string {
  if (bytes.length < dataLengths[type]) return hex(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (type) {
    case 'ipv4_addr':
    case 'ipv6_addr':
      return formatIp(bytes);
    case 'inet_proto':
      return protocolWords[view.getUint8(0)] ?? String(view.getUint8(0));
    case 'inet_service':
      return String(view.getUint16(0));
    case 'mark':
    case 'integer':
      return `0x${view.getUint32(0, true).toString(16)}`;
  }
}

/** Of maps we have: an address and port, or a number of four bytes. */
export function formatValue(bytes: Uint8Array): string {
  if (bytes.length === 4) return formatPart(bytes, 'mark');
  const address = bytes.length === 8 ? 'ipv4_addr' : 'ipv6_addr';
  return bytes.length === 8 || bytes.length === 20
    ? formatKey(bytes, [address, 'inet_service'])
    : hex(bytes);
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`;
}
