/** Colours, for terminals whose owner did not ask for none (NO_COLOR). */
import { styleText } from 'node:util';
import type { CliEnv, CliStream } from './io.ts';

export type Tone = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Gives text a tone, or returns it as it is. */
export type Paint = (tone: Tone, text: string) => string;

export const plain: Paint = (_tone, text) => text;

export function paintFor(stream: CliStream, env: CliEnv): Paint {
  if (stream.isTTY !== true || env.noColor) return plain;
  // The stream was looked at above; styleText would look at this process's own.
  return (tone, text) => styleText(tone, text, { validateStream: false });
}
