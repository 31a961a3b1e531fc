/** The output of Pods: the last of it kept, bounded, and passed on as it comes. */

export interface LogLine {
  readonly from: 'stdout' | 'stderr';
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Which life of the process wrote it: how often it had been started again before. */
  readonly life: number;
}

export interface LogSelection {
  /** So many of the last lines; all when undefined. */
  readonly tail?: number | undefined;
  /** Only what the process before the present one wrote. */
  readonly previous?: boolean;
}

const maxLines = 2_000;
const maxLineLength = 16_384;
/** Of characters, for each Pod: a hundred Pods that never stop talking cost what one process may. */
const maxSize = 1_048_576;

interface Kept {
  readonly lines: LogLine[];
  size: number;
}

export class PodLogs {
  private readonly rings = new Map<string, Kept>();
  private readonly listeners = new Map<string, Set<(line: LogLine) => void>>();

  /** Keeps a line of the Pod `NAMESPACE/NAME`; the oldest make room. */
  append(pod: string, line: LogLine): void {
    const kept = { ...line, text: line.text.slice(0, maxLineLength) };
    const ring = this.rings.get(pod) ?? { lines: [], size: 0 };
    this.rings.set(pod, ring);
    ring.lines.push(kept);
    ring.size += kept.text.length;
    if (ring.lines.length > maxLines || ring.size > maxSize) makeRoom(ring);
    for (const listen of this.listeners.get(pod) ?? []) listen(kept);
  }

  /** All that is kept, by Pod. */
  all(): readonly (readonly [pod: string, lines: readonly LogLine[]])[] {
    return [...this.rings].map(([pod, { lines }]) => [pod, lines]);
  }

  /** What is kept, the oldest first; undefined when the Pod never said anything. */
  linesOf(
    pod: string,
    { tail, previous = false }: LogSelection = {},
  ): readonly LogLine[] | undefined {
    const all = this.rings.get(pod)?.lines;
    if (all === undefined) return undefined;
    const present = all.at(-1)?.life ?? 0;
    const lines = previous ? all.filter(({ life }) => life === present - 1) : all.slice();
    return tail === undefined ? lines : lines.slice(Math.max(0, lines.length - tail));
  }

  /** Calls `listen` with each line to come; returns how to stop that. */
  follow(pod: string, listen: (line: LogLine) => void): () => void {
    const all = this.listeners.get(pod) ?? new Set();
    this.listeners.set(pod, all.add(listen));
    return () => {
      all.delete(listen);
      if (all.size === 0) this.listeners.delete(pod);
    };
  }

  /** The Pod is gone, and its output with it. */
  forget(pod: string): void {
    this.rings.delete(pod);
  }
}

function makeRoom(ring: Kept): void {
  let drop = Math.max(0, ring.lines.length - maxLines);
  let size = ring.size - sizeOf(ring.lines.slice(0, drop));
  while (size > maxSize && drop < ring.lines.length - 1) {
    size -= ring.lines[drop]?.text.length ?? 0;
    drop++;
  }
  ring.lines.splice(0, drop);
  ring.size = size;
}

function sizeOf(lines: readonly LogLine[]): number {
  return lines.reduce((total, { text }) => total + text.length, 0);
}
