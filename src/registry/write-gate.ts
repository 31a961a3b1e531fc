/** Lets writes pass side by side, or one deed alone that changes what they stand on. */
export class WriteGate {
  private writing = 0;
  private closed: Promise<void> | undefined;
  private empty: (() => void) | undefined;

  async pass<T>(work: () => Promise<T>): Promise<T> {
    while (this.closed !== undefined) await this.closed;
    this.writing++;
    try {
      return await work();
    } finally {
      this.writing--;
      if (this.writing === 0) this.empty?.();
    }
  }

  /** Waits for the writes under way; those that come meanwhile wait for it. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    while (this.closed !== undefined) await this.closed;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    try {
      if (this.writing > 0) {
        await new Promise<void>((settled) => {
          this.empty = settled;
        });
      }
      return await work();
    } finally {
      this.empty = undefined;
      this.closed = undefined;
      resolve();
    }
  }
}
