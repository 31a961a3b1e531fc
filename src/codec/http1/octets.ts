/** Which octets may stand where, as tables: one look-up an octet. */

export const cr = 13;
export const lf = 10;
export const space = 32;
export const tab = 9;
export const colon = 58;
export const comma = 44;

const tokenMarks = "!#$%&'*+-.^_`|~";

/**
 * Octets of a token (RFC 9110, 5.6.2) in one form: lower case, and `_` as `-`, because backends that make variables
 * of fields cannot tell these two. 0: no octet of a token.
 */
export const folded = tableOf((code) => {
  const character = String.fromCharCode(code);
  if (character === '_') return '-'.charCodeAt(0);
  if (/[0-9a-z]/i.test(character)) return character.toLowerCase().charCodeAt(0);
  return code < 128 && tokenMarks.includes(character) ? code : 0;
});

/** 1: may stand in a field value: visible, space, tab, or above ASCII. */
export const inValue = tableOf((code) => (code === tab || (code >= 32 && code !== 127) ? 1 : 0));

/** 1: may stand in a request target: visible ASCII that no parser takes for a delimiter of its own. */
export const inTarget = tableOf((code) => (code > 32 && code < 127 && code !== 35 ? 1 : 0));

/** 1: may stand in a host and its port. */
export const inHost = tableOf((code) =>
  /[0-9A-Za-z._~:[\]%-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/** The value of a hexadecimal digit, 255 for what is none. */
export const hexDigit = tableOf((code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? 255 : value;
});

function tableOf(value: (code: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => value(code));
}

/** The octets from `start` to `end` as text, each a character. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  // Of a short one, making a string by hand is cheaper than crossing into the runtime.
  if (end - start > 6) return latin1.call(bytes, start, end);
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/** The same: `known` itself where it says just this, so that what is said again and again is one text. */
export function textAgain(bytes: Uint8Array, start: number, end: number, known: string): string {
  if (end - start !== known.length) return textOf(bytes, start, end);
  for (let i = 0; i < known.length; i++) {
    if (bytes[start + i] !== known.charCodeAt(i)) return textOf(bytes, start, end);
  }
  return known;
}

// eslint-disable-next-line typescript/unbound-method -- it is called with any byte array as its `this`
const latin1: (this: Uint8Array, start: number, end: number) => string =
  Buffer.prototype.latin1Slice;

/** Whether an empty line, strict or not, ends at or after `from`. */
export function hasHeadEnd(bytes: Uint8Array, from: number): boolean {
  for (let at = Math.max(from, 0); at < bytes.length; at++) {
    if (bytes[at] !== lf) continue;
    if (bytes[at + 1] === lf || (bytes[at + 1] === cr && bytes[at + 2] === lf)) return true;
  }
  return false;
}
