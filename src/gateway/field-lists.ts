/** Fields as names and values, for whoever cannot take them as the bytes they came in. */
import {
  passesInResponse,
  passesTrailer,
  withoutNamed,
  type FieldTable,
  type ResponseHead,
} from '../codec/http1/index.ts';
import type { FieldList } from './messages.ts';

export function listOf({ fields, framing }: ResponseHead): FieldList {
  const list: string[] = [];
  const keeps = withoutNamed(framing, passesInResponse);
  for (let i = 0; i < fields.count; i++) {
    if (keeps(fields, i)) list.push(fields.nameText(i).toLowerCase(), fields.valueText(i));
  }
  if (framing.contentLength >= 0) list.push('content-length', String(framing.contentLength));
  return list;
}

/** Those trailers that go on. */
export function trailerList(fields: FieldTable): FieldList {
  if (fields.count === 0) return none;
  const list: string[] = [];
  for (let i = 0; i < fields.count; i++) {
    if (passesTrailer(fields, i)) list.push(fields.nameText(i), fields.valueText(i));
  }
  return list;
}

const none: FieldList = [];
