/**
 * What objects of one shape own alike, kept once: 10,000 Services from a manifest have two or three shapes, and
 * working each out again was a quarter of the processor time of their start.
 */
import { freezeCopy, type JsonObject } from '../kube/index.ts';

/** Shapes are few; where they are not, remembering them helps nobody. */
const most = 512;

export class ShapeMemory {
  private readonly known = new Map<string, JsonObject>();

  /** The fields of a shape, worked out when it is new. Frozen, so that whoever stores it need not copy it. */
  recall(shape: string, workOut: () => JsonObject): JsonObject {
    const before = this.known.get(shape);
    if (before !== undefined) return before;
    const fields = freezeCopy(workOut());
    if (this.known.size >= most) this.known.clear();
    this.known.set(shape, fields);
    return fields;
  }
}
