/** What a measurement can find wrong. */
import type { ErrorTable } from '../model/index.ts';

export const labErrors = {
  user: {},
  ours: {
    LAB_NOT_FORWARDED: 'The connection was accepted and forwarded to no endpoint',
  },
} as const satisfies ErrorTable;
