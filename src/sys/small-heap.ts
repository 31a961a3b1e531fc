/**
 * For a process that reads much once and then does little, over and over: V8 trades memory for speed while a program
 * is young, and most of what that takes it never gives back.
 */
import { setFlagsFromString } from 'node:v8';

/** The part of the heap that new objects go to would become many times larger while a big list is read. */
const youngSmall = '--semi-space-growth-factor=1';

const small = [
  youngSmall,
  '--optimize-for-size',
  // The compiler between the first and the best one: what is hot reaches the best all the same.
  '--no-maglev',
];

/** From now on; costs those nothing who are busy afterwards. To be called before the lists. */
export function keepYoungHeapSmall(): void {
  setFlagsFromString(youngSmall);
}

/** From now on; for those who stay mostly idle. To be called before the lists. */
export function keepHeapSmall(): void {
  for (const flag of small) setFlagsFromString(flag);
}
