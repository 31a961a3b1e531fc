/** One line on stderr that is written over, for people who wait longer than a second. */
import type { Clock } from '../model/index.ts';
import type { CliStream } from './io.ts';

export interface Progress {
  update(text: string): void;
  /** Takes the line away. */
  clear(): void;
}

const patienceMs = 1_000;
const eraseLine = '\r\u001B[K';

/** Says nothing when the stream is not a terminal. */
export function createProgress(stream: CliStream, clock: Clock): Progress {
  const startedMs = clock.monotonic();
  let shown = false;
  return {
    update: (text) => {
      if (stream.isTTY !== true || clock.monotonic() - startedMs < patienceMs) return;
      const columns = stream.columns ?? 80;
      stream.write(`${eraseLine}${text.slice(0, columns - 1)}`);
      shown = true;
    },
    clear: () => {
      if (shown) stream.write(eraseLine);
      shown = false;
    },
  };
}
