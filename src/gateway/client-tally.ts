/** Client connections that are open, thread by thread, where all of them can see it: who has the fewest is given the next. */

/** A number for each thread, and where a thread's own is. */
export interface TallyMemory {
  /** Of one port. */
  readonly port: SharedArrayBuffer;
  /** Of all ports. */
  readonly all: SharedArrayBuffer;
  readonly thread: number;
}

export class ClientTally {
  private readonly port: Int32Array;
  private readonly all: Int32Array;
  private readonly thread: number;

  /** Of a thread that is the only one, when nothing is shared. */
  constructor({ port, all, thread }: TallyMemory = ownMemory()) {
    this.port = new Int32Array(port);
    this.all = new Int32Array(all);
    this.thread = thread;
  }

  /** One more here, or one fewer. */
  add(change: 1 | -1): void {
    Atomics.add(this.port, this.thread, change);
    Atomics.add(this.all, this.thread, change);
  }

  /** In this thread. */
  get own(): number {
    return Atomics.load(this.port, this.thread);
  }

  get total(): number {
    return this.port.reduce((sum, each) => sum + each, 0);
  }
}

function ownMemory(): TallyMemory {
  const one = (): SharedArrayBuffer => new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  return { port: one(), all: one(), thread: 0 };
}
