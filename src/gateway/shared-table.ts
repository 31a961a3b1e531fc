/**
 * What is known of the endpoints of one ServicePort, as numbers in memory that threads share. An endpoint has a place, the same
 * in every thread; the first thread gives places, the others learn them. Places lie in blocks, so that what is there
 * never moves.
 */
import { endpointKey, type Endpoint } from '../model/index.ts';

/** Whole numbers of a place; behind them is one for each thread: how many requests it has open there. */
export const intAt = { open: 0, failures: 1, inARow: 2, sampled: 3, ofThreads: 4 } as const;
export const numberAt = { latency: 0, sampledAt: 1, asideUntil: 2, requests: 3 } as const;

const placesOfBlock = 32;
const numbersOfPlace = 4;

interface Block {
  readonly memory: SharedArrayBuffer;
  readonly ints: Int32Array;
  readonly numbers: Float64Array;
}

export class SharedTable {
  private readonly intsOfPlace: number;
  private readonly places = new Map<string, number>();
  private readonly free: number[] = [];
  private blocks: Block[] = [];
  private given = 0;
  private learns = false;

  constructor(threads: number) {
    this.intsOfPlace = intAt.ofThreads + threads;
  }

  /** For threads that are to learn the places. */
  memory(): readonly SharedArrayBuffer[] {
    return this.blocks.map(({ memory }) => memory);
  }

  /** As the first thread has it: these endpoints, each at the place beside it. */
  learn(
    memory: readonly SharedArrayBuffer[],
    endpoints: readonly Endpoint[],
    places: Uint32Array,
  ): void {
    this.learns = true;
    this.blocks = memory.map((each) => this.viewOf(each));
    this.places.clear();
    for (const [i, endpoint] of endpoints.entries()) {
      this.places.set(endpointKey(endpoint), places[i] ?? 0);
    }
  }

  placeOf(key: string): number | undefined {
    return this.places.get(key);
  }

  /** Its place, a new one when it has none: for the first thread. */
  placeFor(key: string): number {
    const known = this.places.get(key);
    if (known !== undefined) return known;
    if (this.learns)
      throw new RangeError(`Cannot give ${key} a place: that is for the first thread`);
    const place = this.free.pop() ?? this.given++;
    while (this.blocks.length * placesOfBlock <= place) this.blocks.push(this.newBlock());
    const { ints, numbers } = this.blockOf(place);
    const at = place % placesOfBlock;
    ints.fill(0, at * this.intsOfPlace, (at + 1) * this.intsOfPlace);
    numbers.fill(0, at * numbersOfPlace, (at + 1) * numbersOfPlace);
    this.places.set(key, place);
    return place;
  }

  /** Takes the places of those that `isDone` says nobody names any more. */
  takeBack(isDone: (key: string, place: number) => boolean): void {
    for (const [key, place] of this.places) {
      if (!isDone(key, place)) continue;
      this.places.delete(key);
      this.free.push(place);
    }
  }

  entries(): Iterable<readonly [key: string, place: number]> {
    return this.places;
  }

  int(place: number, field: number): number {
    const { ints } = this.blockOf(place);
    return ints[(place % placesOfBlock) * this.intsOfPlace + field] ?? 0;
  }

  setInt(place: number, field: number, value: number): void {
    const { ints } = this.blockOf(place);
    ints[(place % placesOfBlock) * this.intsOfPlace + field] = value;
  }

  number(place: number, field: number): number {
    const { numbers } = this.blockOf(place);
    return numbers[(place % placesOfBlock) * numbersOfPlace + field] ?? 0;
  }

  setNumber(place: number, field: number, value: number): void {
    const { numbers } = this.blockOf(place);
    numbers[(place % placesOfBlock) * numbersOfPlace + field] = value;
  }

  private blockOf(place: number): Block {
    const block = this.blocks[(place / placesOfBlock) | 0];
    if (block === undefined) throw new RangeError(`Cannot find place ${place} of an endpoint`);
    return block;
  }

  private newBlock(): Block {
    const numbers = placesOfBlock * numbersOfPlace * Float64Array.BYTES_PER_ELEMENT;
    const ints = placesOfBlock * this.intsOfPlace * Int32Array.BYTES_PER_ELEMENT;
    return this.viewOf(new SharedArrayBuffer(numbers + ints));
  }

  private viewOf(memory: SharedArrayBuffer): Block {
    const numbers = new Float64Array(memory, 0, placesOfBlock * numbersOfPlace);
    return { memory, numbers, ints: new Int32Array(memory, numbers.byteLength) };
  }
}
