/**
 * The Plans that the killed agent applies, a step each: some Services never change, of the others a fifth changes
 * with each step, to endpoints of which none was there before; one in ten is there at every second of its steps.
 */
import type { VirtualServer } from '../../model/index.ts';
import { clusterIp, testEndpoint, testServer } from '../conformance/index.ts';
import type { Target } from './lab-client.suite.ts';
import { podAddress, podPort } from './lab.suite.ts';

const stillCount = 4;
const changing = 40;
const groups = 5;
const membersEach = 3;
const sets = 4;

export const serviceNames: readonly string[] = Array.from(
  { length: stillCount + changing },
  (_, i) => (i < stillCount ? `still-${i}` : `moving-${i - stillCount}`),
);
export const targets: readonly Target[] = serviceNames.map((_, i) => ({
  address: `10.96.1.${1 + i}`,
  port: 80,
}));
/** Those that are there at every step. */
export const lasting: readonly number[] = serviceNames.flatMap((_, i) =>
  comesAndGoes(i) ? [] : [i],
);
export const still: readonly number[] = serviceNames.flatMap((_, i) => (isStill(i) ? [i] : []));

/** Which Services are others at this step than at the one before. */
export function changedAt(step: number): readonly number[] {
  return serviceNames.flatMap((_, i) => (!isStill(i) && i % groups === step % groups ? [i] : []));
}

/** Empty when it is not there. */
export function membersAt(service: number, step: number): readonly string[] {
  const version = isStill(service) ? 0 : versionAt(service, step);
  if (comesAndGoes(service) && version % 2 === 1) return [];
  const first = (version % sets) * membersEach + (isStill(service) ? sets * membersEach : 0);
  return Array.from({ length: membersEach }, (_, i) => podAddress(first + i));
}

export function serverAt(service: number, step: number): VirtualServer | undefined {
  const members = membersAt(service, step);
  const target = targets[service];
  if (members.length === 0 || target === undefined) return undefined;
  return testServer([clusterIp(target)], {
    name: serviceNames[service] ?? '',
    endpoints: members.map((address) => testEndpoint({ address, port: podPort })),
  });
}

function isStill(service: number): boolean {
  return service < stillCount;
}

function comesAndGoes(service: number): boolean {
  return !isStill(service) && service % 10 === 9;
}

/** How often it has changed up to this step. */
function versionAt(service: number, step: number): number {
  return Math.floor((step + groups - (service % groups)) / groups);
}
