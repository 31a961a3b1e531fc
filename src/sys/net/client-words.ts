/**
 * What a client has said to a backend that has said nothing yet, kept so that another backend can be told the same
 * when the first one goes. Bounded: whoever says more is no longer kept, and stays with its backend.
 */

/** The most that is kept of one client. */
export const keptWordsBytes = 16 * 1024;

export class ClientWords {
  private kept: Uint8Array | undefined = new Uint8Array(0);

  /** True while everything the client said is here and no backend has answered. */
  get complete(): boolean {
    return this.kept !== undefined;
  }

  /** What to tell the next backend first. */
  get bytes(): Uint8Array {
    return this.kept ?? new Uint8Array(0);
  }

  add(more: Uint8Array): void {
    if (this.kept === undefined) return;
    const length = this.kept.length + more.length;
    if (length > keptWordsBytes) return this.forget();
    const kept = new Uint8Array(length);
    kept.set(this.kept);
    kept.set(more, this.kept.length);
    this.kept = kept;
  }

  /** A backend has answered: its answer belongs to these words, and nobody else is told them. */
  forget(): void {
    this.kept = undefined;
  }
}
