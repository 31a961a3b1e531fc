/**
 * Reads the protobuf bodies of the kinds in messages.ts as the JSON they stand for; empty values are left out, as
 * Kubernetes' JSON leaves them out. What a message holds beyond its table is refused: nothing that was asked for is
 * dropped without a word.
 */
import { ApiError } from '../../kube/index.ts';
import { messages } from './messages.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

const magic = Buffer.from([0x6b, 0x38, 0x73, 0]);
const maxDepth = 40;

/** The object in a body. `what` is the kind it is to be. Throws BadRequest, UnsupportedMediaType. */
export function decodeProtobuf(bytes: Buffer, what: string): Readonly<Record<string, unknown>> {
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw malformed(
      what,
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (6b3873)',
    );
  }
  const envelope = fieldsOf(bytes.subarray(magic.length), what);
  const type = fieldsOf(bytesIn(envelope, 1), what);
  const apiVersion = bytesIn(type, 1).toString('utf8');
  const kind = bytesIn(type, 2).toString('utf8');
  const object = decodeMessage(kind === '' ? what : kind, bytesIn(envelope, 2), { what, depth: 0 });
  return { apiVersion, kind, ...object };
}

/** A field as it stands on the wire: a number, or bytes. */
interface WireField {
  readonly number: number;
  readonly value: bigint | Buffer;
}

function fieldsOf(bytes: Buffer, what: string): readonly WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed(what, 'unexpected end of protobuf data');
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    const wire = tag & 7;
    if (wire === 0) {
      fields.push({ number, value: varint() });
      continue;
    }
    const length = wire === 2 ? Number(varint()) : wire === 1 ? 8 : wire === 5 ? 4 : Infinity;
    if (at + length > bytes.length) throw malformed(what, 'unexpected end of protobuf data');
    fields.push({ number, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return fields;
}

function bytesIn(fields: readonly WireField[], number: number): Buffer {
  const value = fields.findLast((field) => field.number === number)?.value;
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

interface Place {
  readonly what: string;
  readonly depth: number;
}

type Decoded = Record<string, unknown>;

function decodeMessage(name: string, bytes: Buffer, place: Place): Decoded {
  const { what, depth } = place;
  const table = Object.hasOwn(messages, name) ? messages[name] : undefined;
  if (table === undefined || depth > maxDepth) throw unreadable(name);
  const result: Decoded = {};
  for (const { number, value } of fieldsOf(bytes, what)) {
    const field = table[number];
    // Go writes empty values too; and statuses are the server's to write.
    const isEmpty = value === 0n || (Buffer.isBuffer(value) && value.length === 0);
    if (field === undefined && (isEmpty || isStatus(table, number))) continue;
    if (field === undefined) throw unreadable(`field ${number} of ${name}`);
    const [key = '', type = ''] = field.startsWith('+') ? ['', field.slice(1)] : field.split(':');
    const inner = { what, depth: depth + 1 };
    if (key === '') Object.assign(result, decodeValue(type, value, inner));
    else addValue(result, { key, type, value }, inner);
  }
  return result;
}

/** The field behind `spec` of an object. */
function isStatus(table: Readonly<Record<number, string>>, number: number): boolean {
  return (
    number === 3 && table[1] === 'metadata:#ObjectMeta' && (table[2] ?? '').startsWith('spec:')
  );
}

interface TypedValue {
  readonly key: string;
  readonly type: string;
  readonly value: bigint | Buffer;
}

function addValue(result: Decoded, { key, type, value }: TypedValue, place: Place): void {
  if (type.startsWith('*')) {
    const list = result[key];
    // An empty text in a list is an item: the core group in a rule, say.
    const item = decodeValue(type.slice(1), value, place) ?? '';
    result[key] = Array.isArray(list) ? [...list, item] : [item];
    return;
  }
  if (type === 'map' || type === 'bytesMap') {
    const entry = fieldsOf(Buffer.isBuffer(value) ? value : Buffer.alloc(0), place.what);
    const name = bytesIn(entry, 1).toString('utf8');
    const text = bytesIn(entry, 2).toString(type === 'map' ? 'utf8' : 'base64');
    const before = Object.entries(Object(result[key]));
    result[key] = Object.fromEntries([...before, [name, text]]);
    return;
  }
  const decoded = decodeValue(type, value, place);
  if (decoded !== undefined) result[key] = decoded;
}

function decodeValue(type: string, value: bigint | Buffer, place: Place): unknown {
  if (type.startsWith('#')) {
    return decodeMessage(type.slice(1), asBytes(value), place);
  }
  switch (type) {
    case 'int':
      // A port or a version of 0 is Go's way of saying nothing.
      return asNumber(value) === 0 ? undefined : asNumber(value);
    case 'bool':
      return value === 0n ? undefined : true;
    case 'optionalInt':
      return asNumber(value);
    case 'optionalBool':
      return value !== 0n;
    case 'time':
      return decodeTime(asBytes(value), place.what);
    case 'intOrString':
      return decodeIntOrString(asBytes(value), place.what);
    case 'ignored':
      return undefined;
    case 'fields':
      return decodeRawJson(asBytes(value), place.what);
    default: {
      const text = asBytes(value).toString('utf8');
      return text === '' ? undefined : text;
    }
  }
}

function asBytes(value: bigint | Buffer): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function asNumber(value: bigint | Buffer): number {
  return Buffer.isBuffer(value) ? 0 : Number(BigInt.asIntN(64, value));
}

function decodeTime(bytes: Buffer, what: string): string | undefined {
  const seconds = fieldsOf(bytes, what).find(({ number }) => number === 1)?.value ?? 0n;
  const ms = asNumber(seconds) * 1_000;
  // The zero time of Go is an absent one, and Date knows no year before its own bounds.
  if (ms <= 0 || ms > 8.64e15) return undefined;
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function decodeIntOrString(bytes: Buffer, what: string): number | string | undefined {
  const fields = fieldsOf(bytes, what);
  const number = (at: number): number =>
    asNumber(fields.find((field) => field.number === at)?.value ?? 0n);
  if (number(1) === 1) return bytesIn(fields, 3).toString('utf8');
  return number(2) === 0 ? undefined : number(2);
}

function decodeRawJson(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytesIn(fieldsOf(bytes, what), 1).toString('utf8'));
  } catch (cause) {
    throw malformed(what, 'FieldsV1 is no JSON', cause);
  }
}

// oxlint-disable-next-line eslint/max-params -- a cause is rarely there.
function malformed(what: string, reason: string, cause?: unknown): ApiError {
  return new ApiError(
    'BadRequest',
    `the object provided is unrecognized (must be of type ${what}): ${reason}`,
    { cause },
  );
}

function unreadable(part: string): ApiError {
  return new ApiError(
    'UnsupportedMediaType',
    `${part} is not read from ${protobufType}: send JSON. ` +
      'Set Content-Type to application/json (in client-go: rest.Config.ContentType)',
  );
}
