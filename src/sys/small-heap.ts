/**
 * For a process that reads much once and then does little, over and over: V8 trades memory for speed while a program
 * is young, and most of what that takes it never gives back.
 */
import { setFlagsFromString } from 'node:v8';

const flags = [
  // The part of the heap that new objects go to would become many times larger while a big list is read.
  '--semi-space-growth-factor=1',
  '--optimize-for-size',
  // The compiler between the first and the best one: what is hot reaches the best all the same.
  '--no-maglev',
];

/** From now on. To be called before the lists. */
export function keepHeapSmall(): void {
  for (const flag of flags) setFlagsFromString(flag);
}
