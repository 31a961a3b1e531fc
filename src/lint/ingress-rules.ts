/** Rules about Ingresses: the Services and ports they name are there. */
import { ingressKind, isOfKind, type IngressBackend } from '../kube/index.ts';
import { formatList, nearNames } from '../model/index.ts';
import type { Findings, Place } from './finding.ts';
import { findService, namespaceOf, type ManifestSet } from './manifest-set.ts';

export function lintIngresses(set: ManifestSet, findings: Findings): void {
  for (const on of set.all) {
    if (!isOfKind(ingressKind, on.object)) continue;
    const { defaultBackend, rules = [] } = on.object.spec ?? {};
    const field = 'spec.defaultBackend';
    if (defaultBackend !== undefined) lintBackend(defaultBackend, { set, findings, on, field });
    for (const [i, { http }] of rules.entries()) {
      for (const [n, { backend }] of (http?.paths ?? []).entries()) {
        const at = `spec.rules[${i}].http.paths[${n}].backend`;
        if (backend !== undefined) lintBackend(backend, { set, findings, on, field: at });
      }
    }
  }
}

interface Context extends Place {
  readonly set: ManifestSet;
  readonly findings: Findings;
}

function lintBackend({ service: named }: IngressBackend, context: Context): void {
  const { set, findings, on, field } = context;
  if (named === undefined) return;
  const namespace = namespaceOf(on);
  const found = findService(set, namespace, named.name);
  if (found === undefined) {
    const others = set.services.filter((service) => service.namespace === namespace);
    const [near] = nearNames(
      named.name,
      others.map(({ service }) => service.metadata.name),
    );
    findings.add(
      'ingress-service-missing',
      { on, field: `${field}.service.name` },
      { service: named.name, near: near === undefined ? '' : `; ${near} is` },
    );
    return;
  }
  const { ports = [], type, externalName = '' } = found.service.spec ?? {};
  if (type === 'ExternalName') {
    const values = { service: named.name, target: externalName };
    findings.add('ingress-external-name', { on, field: `${field}.service.name` }, values);
    return;
  }
  const { name = '', number = 0 } = named.port ?? {};
  const fits = ports.some((port) => (name === '' ? port.port === number : port.name === name));
  if (fits || (name === '' && number === 0)) return;
  const known = ports.map((port) =>
    port.name === undefined ? String(port.port) : `${port.name} (${port.port})`,
  );
  const place = { on, field: `${field}.service.port.${name === '' ? 'number' : 'name'}` };
  const values = {
    service: named.name,
    port: name === '' ? number : name,
    known: formatList(known),
  };
  findings.add('ingress-port-missing', place, values);
}
