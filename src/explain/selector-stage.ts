/** Which Pods the selector finds, and, when it finds none, which it nearly finds. */
import { isNear } from '../model/index.ts';
import { labels, type Pod } from '../kube/index.ts';
import { matches, type ServiceCase } from './service-case.ts';
import { pairsLabel } from './wording.ts';
import { namespaceOf, subjectOf } from './world.ts';

/** `hasStray`: a slice that was meant for the Service is told of already. */
export function tellSelector(c: ServiceCase, hasStray: boolean): void {
  const { notes, service, selector } = c;
  const on = subjectOf(service, 'spec.selector');
  if (selector === undefined) {
    tellNoSelector(c, hasStray);
  } else if (c.pods.length > 0) {
    const pods = namesOf(c.pods);
    notes.add('selector-matches', { on, values: { selector: pairsLabel(selector), pods } });
  } else {
    tellNoMatch(c, selector);
  }
}

function tellNoSelector(c: ServiceCase, hasStray: boolean): void {
  const { notes, service, slices, key, name } = c;
  const on = subjectOf(service, 'spec.selector');
  if (slices.length > 0) {
    const names = slices.map((slice) => slice.metadata.name);
    notes.add('selector-absent', { on, values: { slices: names } });
    return;
  }
  const values = { service: key, label: labels.serviceName, name };
  if (hasStray) notes.add('selector-absent-stray', { on, values });
  else notes.add('selector-absent-no-slices', { on, values });
}

function tellNoMatch(c: ServiceCase, selector: Readonly<Record<string, string>>): void {
  const { notes, service, namespace, world } = c;
  const on = subjectOf(service, 'spec.selector');
  const base = { selector: pairsLabel(selector), namespace };
  const here = world.pods.filter((pod) => namespaceOf(pod) === namespace);
  const near = nearestGroup(selector, here);
  if (near !== undefined) {
    const pods = namesOf(near.pods);
    const { actual, wanted } = near.difference;
    if (actual.length === 0) {
      const values = { ...base, pods, missing: wanted.join(',') };
      notes.add('selector-near-missing', { on, values });
      return;
    }
    const values = { ...base, pods, actual: actual.join(','), wanted: wanted.join(',') };
    notes.add('selector-near-value', { on, values });
    return;
  }
  const [elsewhere] = world.pods.filter((pod) => matches(selector, pod));
  if (elsewhere !== undefined) {
    const other = namespaceOf(elsewhere);
    const found = world.pods.filter((p) => namespaceOf(p) === other && matches(selector, p));
    const values = { ...base, other, pods: namesOf(found) };
    notes.add('selector-elsewhere', { on, values });
  } else if (here.length > 0) {
    const examples = examplesOf(here, Object.keys(selector));
    const values = { ...base, pods: namesOf(here), examples };
    notes.add('selector-nothing-near', { on, values });
  } else {
    notes.add('selector-no-pods', { on, values: base });
  }
}

interface Difference {
  /** Pairs of the selector that do not hold. */
  readonly wanted: readonly string[];
  /** What the Pod has in their place, where it has something. */
  readonly actual: readonly string[];
  readonly score: number;
}

interface NearGroup {
  readonly difference: Difference;
  readonly pods: readonly Pod[];
}

/** The Pods that come nearest to a selector, all with the same difference; undefined when none is near. */
function nearestGroup(
  selector: Readonly<Record<string, string>>,
  pods: readonly Pod[],
): NearGroup | undefined {
  const groups = new Map<string, NearGroup>();
  for (const pod of pods) {
    const difference = differenceOf(selector, pod.metadata.labels ?? {});
    if (difference.score === 0) continue;
    const key = JSON.stringify(difference);
    const others = groups.get(key)?.pods ?? [];
    groups.set(key, { difference, pods: [...others, pod] });
  }
  return [...groups.values()].toSorted(
    (a, b) => b.difference.score - a.difference.score || b.pods.length - a.pods.length,
  )[0];
}

/** A pair that holds counts for more than any number of near misses a selector may have. */
const heldScore = 100;

function differenceOf(
  selector: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Difference {
  const wanted: string[] = [];
  const actual: string[] = [];
  let score = 0;
  for (const [key, value] of Object.entries(selector)) {
    const found = own[key];
    if (found === value) {
      score += heldScore;
      continue;
    }
    wanted.push(`${key}=${value}`);
    // The right value below a key that is spelled nearly so: `App=web` for `app=web`.
    const otherKey =
      found === undefined
        ? Object.keys(own).find((k) => own[k] === value && isNear(k.toLowerCase(), key))
        : key;
    if (otherKey === undefined) continue;
    actual.push(`${otherKey}=${own[otherKey] ?? ''}`);
    if (found === undefined || isNear(found, value)) score += 1;
  }
  return { wanted, actual, score };
}

/** Written by controllers for themselves; nobody selects by them. */
const machineKeys = ['pod-template-hash', 'controller-revision-hash', 'pod-template-generation'];

/** Labels that Pods have, those with the keys asked for first. */
function examplesOf(pods: readonly Pod[], keys: readonly string[]): readonly string[] {
  const pairs = pods
    .flatMap((pod) => Object.entries(pod.metadata.labels ?? {}))
    .filter(([key]) => !machineKeys.includes(key))
    .toSorted(([a], [b]) => Number(keys.includes(b)) - Number(keys.includes(a)));
  return [...new Set(pairs.map(([key, value]) => `${key}=${value}`))];
}

function namesOf(pods: readonly Pod[]): readonly string[] {
  return pods.map((pod) => pod.metadata.name).toSorted();
}
