/** What people read: userdata as `nft` writes and shows it. */
import { textAt, type Attributes } from '../netlink/index.ts';

/** Undefined when there is none; a type of 0, a length, text. */
export function commentAt(attributes: Attributes, type: number): string | undefined {
  const value = attributes.get(type);
  if (value === undefined || value[0] !== 0) return undefined;
  return textAt(new Map([[0, value.subarray(2)]]), 0);
}
