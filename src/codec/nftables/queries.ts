/** Questions to nf_tables as bytes, and what it answers as values. */
import {
  be64At,
  listAttributes,
  nestedAt,
  NetlinkWriter,
  netfilterSubsystems,
  netlinkFlags,
  readAttributes,
  textAt,
  type NetlinkMessage,
} from '../netlink/index.ts';
import type { Expiry, TableRef } from './batch.ts';
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
  verdict,
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

/** Everything of one sort in a table: its chains, rules or sets. */
export function listQuery(table: TableRef, what: 'chains' | 'rules' | 'sets'): Uint8Array {
  const message = { chains: messages.getChain, rules: messages.getRule, sets: messages.getSet };
  // The attribute of a table is the first of each of them.
  return question(message[what], table, (w) => w.text(tables.name, table.name), netlinkFlags.dump);
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

/** An element as it is listed. */
export interface TableElement {
  readonly key: Uint8Array;
  /** Of a map of values. */
  readonly data: Uint8Array | undefined;
  /** Of a verdict map: where it leads. */
  readonly chain: string | undefined;
  readonly comment: string | undefined;
  /** Of a map whose elements expire: after how long, and how much of it is left. */
  readonly expires: Expiry | undefined;
}

export function readElements({ body }: NetlinkMessage): readonly TableElement[] {
  const list = readAttributes(body, headerBytes).get(lists.list);
  if (list === undefined) return [];
  return listAttributes(list).flatMap(({ value }) => {
    const one = readAttributes(value);
    const key = nestedAt(one, element.key).get(data.value);
    if (key === undefined) return [];
    const to = nestedAt(one, element.data);
    const [afterMs, leftMs] = [element.timeout, element.expiration].map((type) =>
      be64At(one, type),
    );
    return [
      {
        key,
        data: to.get(data.value),
        chain: textAt(nestedAt(to, data.verdict), verdict.chain),
        comment: commentAt(one, element.userdata),
        expires:
          afterMs === undefined || leftMs === undefined
            ? undefined
            : { afterMs: Number(afterMs), leftMs: Number(leftMs) },
      },
    ];
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
