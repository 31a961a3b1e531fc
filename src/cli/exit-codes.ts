/** What the exit code says to a script. */
import type { ErrorTable } from '../model/index.ts';

export const exitCodes = { fine: 0, no: 1, usedWrongly: 2, couldNot: 3 } as const;

/** Used wrongly when one of the tables has the code as the user's fault; a code nobody knows is ours. */
export function exitCodeOf(code: string, tables: readonly ErrorTable[]): number {
  const isUsers = tables.some((table) => Object.hasOwn(table.user, code));
  return isUsers ? exitCodes.usedWrongly : exitCodes.couldNot;
}
