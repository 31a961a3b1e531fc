/** Questions to nf_tables as bytes, and what it answers as values. */
import {
  be64At,
  listAttributes,
  nestedAt,
  NetlinkWriter,
  netfilterSubsystems,
  netlinkFlags,
  readAttributes,
  type NetlinkMessage,
} from '../netlink/index.ts';
import type { TableRef } from './batch.ts';
import { commentAt } from './comments.ts';
import {
  counter,
  data,
  element,
  elements as lists,
  expression,
  listElement,
  messages,
  table as tables,
} from './numbers.ts';

const headerBytes = 4;

export interface TableInfo {
  /** Another one each time a table is made. */
  readonly handle: bigint | undefined;
  readonly comment: string | undefined;
}

export interface ElementCount {
  readonly key: Uint8Array;
  readonly packets: bigint;
}

/** Which commit the rules are of; costs nothing and asks for the same privilege as everything else. */
export function generationQuery(): Uint8Array {
  return question(messages.getGen, { family: 0, name: '' }, () => undefined);
}

export function tableQuery(table: TableRef): Uint8Array {
  return question(messages.getTable, table, (w) => w.text(tables.name, table.name));
}

export function readTable({ body }: NetlinkMessage): TableInfo {
  const attributes = readAttributes(body, headerBytes);
  return {
    handle: be64At(attributes, tables.handle),
    comment: commentAt(attributes, tables.userdata),
  };
}

/** All elements of a set or map. */
export function elementsQuery(table: TableRef, set: string): Uint8Array {
  return question(
    messages.getSetElem,
    table,
    (w) => {
      w.text(lists.table, table.name);
      w.text(lists.set, set);
    },
    netlinkFlags.dump,
  );
}

/** These elements, as many as one attribute holds: a thousand of an integer each. */
export function someElementsQuery(
  table: TableRef,
  set: string,
  keys: readonly Uint8Array[],
): Uint8Array {
  return question(messages.getSetElem, table, (w) => {
    w.text(lists.table, table.name);
    w.text(lists.set, set);
    w.nested(lists.list, () => {
      for (const key of keys) {
        w.nested(listElement, () => w.nested(element.key, () => w.attribute(data.value, key)));
      }
    });
  });
}

/** Elements that have a counter, and what it says. */
export function readCounts({ body }: NetlinkMessage): readonly ElementCount[] {
  const list = readAttributes(body, headerBytes).get(lists.list);
  if (list === undefined) return [];
  return listAttributes(list).flatMap(({ value }) => {
    const one = readAttributes(value);
    const key = nestedAt(one, element.key).get(data.value);
    const counted = nestedAt(nestedAt(one, element.expression), expression.data);
    const packets = be64At(counted, counter.packets);
    return key === undefined || packets === undefined ? [] : [{ key, packets }];
  });
}

/** The keys of a set's or map's elements. */
export function readKeys({ body }: NetlinkMessage): readonly Uint8Array[] {
  const list = readAttributes(body, headerBytes).get(lists.list);
  if (list === undefined) return [];
  return listAttributes(list).flatMap(({ value }) => {
    const key = nestedAt(readAttributes(value), element.key).get(data.value);
    return key === undefined ? [] : [key];
  });
}

function question(
  message: number,
  table: TableRef,
  body: (w: NetlinkWriter) => void,
  flags = 0,
): Uint8Array {
  const w = new NetlinkWriter(256);
  const type = (netfilterSubsystems.nftables << 8) | message;
  w.message({ type, flags: netlinkFlags.request | flags, sequence: 1 }, () => {
    w.raw(Uint8Array.of(table.family, 0, 0, 0));
    body(w);
  });
  return w.bytes();
}
