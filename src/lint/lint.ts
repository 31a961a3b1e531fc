/** `switchyard lint`: what in a set of manifests will not do what it says, found without anything running. */
import { kinds, apiVersionOf } from '../kube/index.ts';
import {
  loadManifests,
  type LoadedManifests,
  type ManifestProblem,
  type SkippedDocument,
} from '../manifests/index.ts';
import { fill, nearNames } from '../model/index.ts';
import { createObjectCheck, createObjectDecoder } from '../registry/index.ts';
import { lintAnnotations } from './annotation-rules.ts';
import { Findings, type Finding } from './finding.ts';
import { lintIngresses } from './ingress-rules.ts';
import { namespaceOf, readSet, type ManifestSet } from './manifest-set.ts';
import { rules } from './rules.ts';
import { lintServices } from './service-rules.ts';
import { lintWorkloads } from './workload-rules.ts';

export interface LintReport {
  /** In the order of the files and their lines. */
  readonly findings: readonly Finding[];
  readonly files: number;
  /** How many objects were looked at. */
  readonly objects: number;
  readonly errors: number;
  readonly warnings: number;
}

/** What `up` takes. */
const laptop = { allowLoopback: true } as const;

/** Never rejects: what cannot be read is a finding. */
export async function lintManifests(paths: readonly string[]): Promise<LintReport> {
  return lintLoaded(await loadManifests(paths, createObjectCheck(laptop)));
}

/** The pure part. */
export function lintLoaded(loaded: Omit<LoadedManifests, 'watched'>): LintReport {
  const set = readSet(loaded.desired, createObjectDecoder(laptop));
  const found = new Findings();
  lintNamespaces(set, found);
  lintServices(set, found);
  lintWorkloads(set, found);
  lintIngresses(set, found);
  lintAnnotations(set, found);
  const findings = inOrder(
    [
      ...loaded.problems.map(problemFinding),
      ...loaded.warnings.map(problemFinding),
      ...loaded.skipped.map(skippedFinding),
      ...found.items,
    ],
    loaded.files,
  );
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return {
    findings,
    files: loaded.files.length,
    objects: loaded.desired.length,
    errors,
    warnings: findings.length - errors,
  };
}

/** As the files were read, and by line in each. */
function inOrder(findings: readonly Finding[], files: readonly string[]): readonly Finding[] {
  const places = new Map(files.map((file, i) => [file, i]));
  const placeOf = ({ file }: Finding): number => places.get(file) ?? -1;
  return findings.toSorted((a, b) => placeOf(a) - placeOf(b) || (a.line ?? 0) - (b.line ?? 0));
}

/** What a manifest that is loaded may keep is wrong here all the same: a field that does nothing is a mistake. */
function problemFinding(problem: ManifestProblem): Finding {
  const { code, file, line, object, field, reason, remedy } = problem;
  return { code, severity: 'error', file, line, object, field, message: reason, remedy };
}

function skippedFinding({ file, line, kind, apiVersion, name }: SkippedDocument): Finding {
  const own = kinds.filter((known) => apiVersionOf(known) === apiVersion);
  const [near] = nearNames(
    kind,
    own.map((known) => known.kind),
  );
  // `Job` is no misspelt kind of another group; only within one is a near name likely meant.
  const isMisspelt = near !== undefined && Math.abs(near.length - kind.length) <= 1;
  const code = isMisspelt ? 'kind-misspelt' : 'kind-not-served';
  const values = { kind, apiVersion, near: near ?? '' };
  const { severity, text, remedy } = rules[code];
  const field = isMisspelt ? 'kind' : undefined;
  const message = fill(text, values);
  return {
    code,
    severity,
    file,
    line,
    object: name === undefined ? kind : `${kind} ${name}`,
    field,
    message,
    remedy: fill(remedy, values),
  };
}

/** These are there from the start. */
const ownNamespaces: readonly string[] = ['default', 'kube-system'];

function lintNamespaces({ all }: ManifestSet, findings: Findings): void {
  const made = all.flatMap(({ kind, object }) =>
    kind.kind === 'Namespace' ? [object.metadata.name] : [],
  );
  const known = new Set([...ownNamespaces, ...made]);
  for (const on of all) {
    const namespace = namespaceOf(on);
    if (!on.kind.namespaced || known.has(namespace)) continue;
    // Once for each: the other objects in it would only repeat it.
    known.add(namespace);
    findings.add('namespace-missing', { on, field: 'metadata.namespace' }, { namespace });
  }
}
