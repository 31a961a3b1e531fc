/** The output of Pods: the last of it kept, and passed on as it comes. */

export interface LogLine {
  readonly from: 'stdout' | 'stderr';
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

const maxLines = 2_000;
const maxLineLength = 16_384;

export class PodLogs {
  private readonly rings = new Map<string, LogLine[]>();
  private readonly listeners = new Map<string, Set<(line: LogLine) => void>>();

  /** Keeps a line of the Pod `NAMESPACE/NAME`; the oldest make room. */
  append(pod: string, line: LogLine): void {
    const kept = { ...line, text: line.text.slice(0, maxLineLength) };
    const ring = this.rings.get(pod) ?? [];
    ring.push(kept);
    if (ring.length > maxLines) ring.splice(0, ring.length - maxLines);
    this.rings.set(pod, ring);
    for (const listen of this.listeners.get(pod) ?? []) listen(kept);
  }

  /** All that is kept, by Pod. */
  all(): readonly (readonly [pod: string, lines: readonly LogLine[]])[] {
    return [...this.rings];
  }

  /** What is kept, the oldest first; undefined when the Pod never said anything. */
  linesOf(pod: string): readonly LogLine[] | undefined {
    return this.rings.get(pod)?.slice();
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
