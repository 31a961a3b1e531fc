/**
 * Netlink messages and attributes read back. The kernel is trusted to be well-formed, but a length that does not
 * fit ends the reading instead of running on: what is not whole is not there.
 */
import { nestedFlag, padded } from './attribute-writer.ts';

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** By type; of several of one type the last. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

const decoder = new TextDecoder();

export function* readMessages(bytes: Uint8Array): Generator<NetlinkMessage> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 16 <= bytes.length) {
    const length = view.getUint32(at, true);
    if (length < 16 || at + length > bytes.length) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: bytes.subarray(at + 16, at + length),
    };
    at += padded(length);
  }
}

/** In the order they stand, from `offset` on: behind `struct nfgenmsg`, say. */
export function listAttributes(bytes: Uint8Array, offset = 0): Attribute[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const all: Attribute[] = [];
  let at = offset;
  while (at + 4 <= bytes.length) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    const type = view.getUint16(at + 2, true) & ~nestedFlag & 0x3fff;
    all.push({ type, value: bytes.subarray(at + 4, at + length) });
    at += padded(length);
  }
  return all;
}

export function readAttributes(bytes: Uint8Array, offset = 0): Attributes {
  return new Map(listAttributes(bytes, offset).map(({ type, value }) => [type, value]));
}

/** Undefined when it is absent or too short. */
export function be32At(attributes: Attributes, type: number): number | undefined {
  const value = attributes.get(type);
  if (value === undefined || value.length < 4) return undefined;
  return new DataView(value.buffer, value.byteOffset).getUint32(0);
}

export function be64At(attributes: Attributes, type: number): bigint | undefined {
  const value = attributes.get(type);
  if (value === undefined || value.length < 8) return undefined;
  return new DataView(value.buffer, value.byteOffset).getBigUint64(0);
}

/** Without the zero byte at its end. */
export function textAt(attributes: Attributes, type: number): string | undefined {
  const value = attributes.get(type);
  if (value === undefined) return undefined;
  const zero = value.indexOf(0);
  return decoder.decode(zero < 0 ? value : value.subarray(0, zero));
}

/** The attributes inside of one; empty when it is absent. */
export function nestedAt(attributes: Attributes, type: number): Attributes {
  const value = attributes.get(type);
  return value === undefined ? new Map<number, Uint8Array>() : readAttributes(value);
}
