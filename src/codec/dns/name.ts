/**
 * Domain names as text and as bytes.
 *
 * Text is the master-file form without the final dot: labels joined by dots, a dot or backslash inside a label
 * as `\.` and `\\`, other bytes outside of printable ASCII as `\DDD`. The root is the empty text.
 */

/** RFC 1035 (3.1): octets of a name on the wire, lengths and the root label included. */
const maxNameLength = 255;
const maxLabelLength = 63;
/**
 * A name has at most 127 labels, and a pointer that leads to another one gains nothing: whoever needs more jumps
 * than this wants to keep us busy.
 */
const maxJumps = 126;

export interface DecodedName {
  readonly name: string;
  /** Where the bytes go on behind the name. */
  readonly next: number;
}

/**
 * Undefined when the bytes at `at` are no name. Pointers must lead to before the labels they continue, so that
 * no chain of them returns.
 */
export function decodeName(bytes: Uint8Array, at: number): DecodedName | undefined {
  let name = '';
  let next: number | undefined;
  let length = 1;
  let jumps = 0;
  let start = at;
  let position = at;
  for (;;) {
    const size = bytes[position];
    if (size === undefined) return undefined;
    if (size === 0) return { name, next: next ?? position + 1 };
    if (size > maxLabelLength) {
      const low = bytes[position + 1];
      if (size < 0xc0 || low === undefined) return undefined;
      const target = ((size & 0x3f) << 8) | low;
      if (target >= start || ++jumps > maxJumps) return undefined;
      next ??= position + 2;
      start = position = target;
      continue;
    }
    length += size + 1;
    const end = position + 1 + size;
    if (length > maxNameLength || end > bytes.length) return undefined;
    name += (name === '' ? '' : '.') + labelText(bytes, position + 1, end);
    position = end;
  }
}

/** Where the bytes go on behind the name at `at`, its pointer not followed; undefined when it is none. */
export function skipName(bytes: Uint8Array, at: number): number | undefined {
  let position = at;
  while (position - at < maxNameLength) {
    const size = bytes[position];
    if (size === undefined) return undefined;
    if (size === 0) return position + 1;
    if (size >= 0xc0) return position + 2 <= bytes.length ? position + 2 : undefined;
    if (size > maxLabelLength) return undefined;
    position += size + 1;
  }
  return undefined;
}

function labelText(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte > 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\${String(byte).padStart(3, '0')}`;
  }
  return text;
}

/** The labels' bytes; undefined when it is no name: an empty or too long label, too long in all, a bad escape. */
export function parseName(text: string): readonly Uint8Array[] | undefined {
  if (text === '' || text === '.') return [];
  const labels: Uint8Array[] = [];
  let label: number[] = [];
  let total = 1;
  const endLabel = (): boolean => {
    total += label.length + 1;
    if (label.length === 0 || label.length > maxLabelLength || total > maxNameLength) return false;
    labels.push(Uint8Array.from(label));
    label = [];
    return true;
  };
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      // One dot may end the name.
      if (!endLabel()) return undefined;
      if (i === text.length - 1) return labels;
    } else if (code === 0x5c) {
      const escape = /^\\(?:([0-9]{3})|([^0-9]))/.exec(text.slice(i, i + 4));
      const value = escape?.[1] === undefined ? escape?.[2]?.charCodeAt(0) : Number(escape[1]);
      if (escape === null || value === undefined || value > 255) return undefined;
      label.push(value);
      i += escape[0].length - 1;
    } else if (code > 255) return undefined;
    else label.push(code);
  }
  return endLabel() ? labels : undefined;
}

export function isName(text: string): boolean {
  return parseName(text) !== undefined;
}

/** Where each name that was written before stands, by its lower-case text: what pointers lead to. */
export type NameOffsets = Map<string, number>;

/** Pointers have 14 bits. */
const maxPointer = 0x3fff;

/** Bytes that `encodeName` writes at `at`, given the same `offsets`; does not change them. */
export function nameLength(name: string, offsets?: NameOffsets): number {
  let length = 0;
  for (const { label, rest } of suffixes(name)) {
    if (offsets?.has(rest) === true) return length + 2;
    length += label.length + 1;
  }
  return length + 1;
}

/**
 * Writes a name and returns the offset behind it. With `offsets` it points to what stands there already and
 * adds its own; they count from the message's start, `base` in `bytes`. Throws a RangeError for text that is
 * no name.
 */
export function encodeName(
  bytes: Uint8Array,
  at: number,
  name: string,
  offsets?: NameOffsets,
  base = 0,
): number {
  let position = at;
  for (const { label, rest } of suffixes(name)) {
    const known = offsets?.get(rest);
    if (known !== undefined) {
      bytes[position] = 0xc0 | (known >> 8);
      bytes[position + 1] = known & 0xff;
      return position + 2;
    }
    if (position - base <= maxPointer) offsets?.set(rest, position - base);
    bytes[position] = label.length;
    bytes.set(label, position + 1);
    position += label.length + 1;
  }
  bytes[position] = 0;
  return position + 1;
}

interface Suffix {
  readonly label: Uint8Array;
  /** The name from this label on, in lower case. */
  readonly rest: string;
}

function suffixes(name: string): readonly Suffix[] {
  const labels = parseName(name);
  if (labels === undefined) throw new RangeError(`Cannot encode ${JSON.stringify(name)}: no name`);
  const list: Suffix[] = [];
  let rest = '';
  for (const label of labels.toReversed()) {
    const text = labelText(label, 0, label.length).toLowerCase();
    rest = rest === '' ? text : `${text}.${rest}`;
    list.push({ label, rest });
  }
  return list.toReversed();
}
