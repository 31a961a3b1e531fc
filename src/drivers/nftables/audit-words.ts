/** Rules and elements in words, as an audit compares and shows them. */
import {
  formatKey,
  formatValue,
  type ElementSpec,
  type Expression,
  type Verdict,
} from '../../codec/nftables/index.ts';
import type { IpFamily } from '../../model/index.ts';
import { families } from './family.ts';
import { keyTypesOf } from './frame.ts';

/** Two that do the same read the same, and no others. */
export function formatExpression(one: Expression): string {
  if (one.kind === 'verdict') return formatVerdict(one.verdict);
  const { kind, ...rest } = one;
  const details = Object.entries(rest).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined) return [];
    if (value instanceof Uint8Array) return [`${name} 0x${Buffer.from(value).toString('hex')}`];
    return [`${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`];
  });
  return [kind, ...details.toSorted()].join(' ');
}

function formatVerdict(verdict: Verdict): string {
  return 'chain' in verdict ? `${verdict.kind} ${verdict.chain}` : verdict.kind;
}

export function formatElement(data: ElementSpec['data']): string {
  if (data === undefined) return 'there';
  return data instanceof Uint8Array ? formatValue(data) : formatVerdict(data);
}

/** A key in hexadecimal digits, with ` end` behind it where a range ends. */
export function formatElementKey(set: string, digits: string, family: IpFamily): string {
  const [hex = '', end] = digits.split(' ');
  const types = keyTypesOf(set, families[family].number);
  const text = formatKey(Uint8Array.from(Buffer.from(hex, 'hex')), types);
  return end === undefined ? text : `${text} (the end of a range)`;
}
