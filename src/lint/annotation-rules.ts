/** Rules about our own annotations and labels: each is known, stands where it is read, and can be read. */
import { annotations, ownPrefix, type ObjectMeta } from '../kube/index.ts';
import type { DesiredObject } from '../manifests/index.ts';
import { byNearness } from '../model/index.ts';
import type { Findings } from './finding.ts';
import type { ManifestSet } from './manifest-set.ts';

const specs = Object.values(annotations);

interface Carrier {
  readonly on: DesiredObject;
  /** The kind that the metadata is of: a template's is a Pod's. */
  readonly kind: string;
  readonly metadata: Pick<Partial<ObjectMeta>, 'labels' | 'annotations'>;
  /** `metadata`, `spec.template.metadata`. */
  readonly field: string;
}

export function lintAnnotations(set: ManifestSet, findings: Findings): void {
  for (const on of set.all) {
    const { metadata } = on.object;
    lintCarrier({ on, kind: on.kind.kind, metadata, field: 'metadata' }, findings);
  }
  for (const { on, field, annotations: texts, labels } of set.workloads) {
    if (field === 'spec') continue;
    const metadata = { annotations: texts, labels };
    lintCarrier({ on, kind: 'Pod', metadata, field: 'spec.template.metadata' }, findings);
  }
}

function lintCarrier(carrier: Carrier, findings: Findings): void {
  const { labels = {}, annotations: texts = {} } = carrier.metadata;
  for (const [place, entries] of [
    ['annotation', texts],
    ['label', labels],
  ] as const) {
    for (const [key, text] of Object.entries(entries)) {
      lintEntry(carrier, { place, key, text }, findings);
    }
  }
}

interface Entry {
  readonly place: 'annotation' | 'label';
  readonly key: string;
  readonly text: string;
}

function lintEntry(carrier: Carrier, { place, key, text }: Entry, findings: Findings): void {
  const { on, kind } = carrier;
  const field = `${carrier.field}.${place}s.${key}`;
  const named = specs.filter((spec) => spec.key === key || spec.synonyms.includes(key));
  if (named.length === 0) {
    if (!key.startsWith(ownPrefix)) return;
    const [near = ''] = byNearness(
      key,
      specs.map((spec) => spec.key),
    );
    findings.add('annotation-unknown', { on, field }, { key, place, near });
    return;
  }
  const spec = named.find((candidate) => candidate.place === place && candidate.on.includes(kind));
  if (spec === undefined) {
    const wanted = named
      .toSorted((a, b) => Number(b.on.includes(kind)) - Number(a.on.includes(kind)))
      .map((other) => `${other.place} on ${other.on.join(' or ')}`);
    const values = { key, place, kind, wanted };
    findings.add('annotation-place', { on, field }, values);
    return;
  }
  const parsed = spec.parse(text);
  if (parsed.ok) return;
  const values = { value: JSON.stringify(text), problem: parsed.problem };
  findings.add('annotation-value', { on, field }, values);
}
