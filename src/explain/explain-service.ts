/** Why a Service works or does not: name, address, port, selector, Pods, slice, readiness, policy, choice. */
import type { ServicePortRef } from '../model/index.ts';
import { tellAddresses } from './address-stage.ts';
import { tellEndpoints, tellHeadless } from './endpoint-stage.ts';
import type { ServiceExplanation } from './explanation.ts';
import { tellApplied, tellName } from './name-stage.ts';
import { createNotes } from './notes.ts';
import { tellPods } from './pod-stage.ts';
import { tellSelector } from './selector-stage.ts';
import { gatherService, type ServiceCase } from './service-case.ts';
import { tellSlices, tellStrays } from './slice-stage.ts';
import { tellTargets } from './target-stage.ts';
import { tellUnknownService } from './unknown-service.ts';
import { findService, type ServiceQuestion, type World } from './world.ts';

/** Pure, and never throws: what is unknown or half there is told as such. */
export function explainService(world: World, question: ServiceQuestion): ServiceExplanation {
  const { namespace, name } = question;
  const notes = createNotes();
  const service = findService(world, question);
  if (service === undefined) tellUnknownService(world, question, notes);
  else tellService(gatherService(world, service, { notes }));
  return { kind: 'service', namespace, name, ...notes.result() };
}

/** The same for one port of it, in one family. */
export function explainServicePort(world: World, ref: ServicePortRef): ServiceExplanation {
  const { namespace, name } = ref;
  const notes = createNotes();
  const service = findService(world, ref);
  if (service === undefined) tellUnknownService(world, ref, notes);
  else tellService(gatherService(world, service, { notes, only: ref }));
  return { kind: 'service', namespace, name, ...notes.result() };
}

function tellService(c: ServiceCase): void {
  if (!tellName(c)) return;
  if (!c.isHeadless) {
    tellApplied(c);
    tellAddresses(c);
  }
  tellSelector(c, tellStrays(c));
  const untargeted = tellTargets(c);
  tellPods(c);
  tellSlices(c, untargeted);
  if (c.isHeadless) tellHeadless(c);
  else tellEndpoints(c);
}
