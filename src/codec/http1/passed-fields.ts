/** Which fields of a message go on to the next hop (RFC 9110, 7.6.1). */
import { ids, type FieldTable } from './field-table.ts';
import type { Framing } from './framing.ts';
import { fieldId, type KnownField } from './known-fields.ts';

const ownHop: readonly KnownField[] = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'upgrade',
  'http2-settings',
];

/** By field id: 1, it stays here; what is needed of it is written anew. */
const stays = new Uint8Array(64);
for (const name of ownHop) stays[fieldId(name)] = 1;

/** Whether a field of a response is passed on. */
export function passesInResponse(fields: FieldTable, index: number): boolean {
  return stays[fields.idAt(index)] === 0;
}

/** Whether a field of a request is passed on; who the client is, the gateway says itself. */
export function passesInRequest(fields: FieldTable, index: number): boolean {
  const id = fields.idAt(index);
  return id === 0 || (stays[id] === 0 && id < ids.forwardedFor);
}

/** The same, without the fields that Connection names. */
export function withoutNamed(
  { named }: Framing,
  keeps: (fields: FieldTable, index: number) => boolean,
): (fields: FieldTable, index: number) => boolean {
  return (fields, index) =>
    keeps(fields, index) && !named.some((name) => fields.isNamed(index, name));
}

const forbidden = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'max-forwards',
  'set-cookie',
  'trailer',
]);

/** Whether a trailer is passed on: none that says how the message is framed, routed or who sent it. */
export function passesTrailer(fields: FieldTable, index: number): boolean {
  return fields.idAt(index) === 0 && !forbidden.has(fields.nameText(index).toLowerCase());
}
