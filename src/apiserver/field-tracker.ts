/** The registry's memory of who wrote which field. */
import type { Clock } from '../model/index.ts';
import { ownersAfterUpdate, ShapeMemory } from '../patch/index.ts';
import type { TrackFields } from '../registry/index.ts';

/** What Switchyard itself writes is owned by this name. */
const ownName = 'switchyard';

export function createFieldTracker(clock: Clock): TrackFields {
  const shapes = new ShapeMemory();
  return ({ kind, object, given, stored, manager = ownName, subresource }) =>
    ownersAfterUpdate({
      kind,
      before: stored === undefined ? undefined : { ...stored },
      after: { ...object },
      given,
      manager,
      subresource,
      nowMs: clock.now(),
      shapes,
    });
}
