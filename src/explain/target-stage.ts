/** Where each Service port leads in the Pods: by name it must be there, by number it had better be. */
import { byNearness } from '../model/index.ts';
import type { Pod, ServicePortSpec } from '../kube/index.ts';
import type { ServiceCase } from './service-case.ts';
import { portLabel } from './wording.ts';
import { subjectOf } from './world.ts';

interface DeclaredPort {
  readonly name: string | undefined;
  readonly number: number;
  readonly protocol: string;
}

/** Returns the names of the ports that no Pod has a target for: no slice can list an endpoint for them. */
export function tellTargets(c: ServiceCase): ReadonlySet<string> {
  const untargeted = new Set<string>();
  if (c.pods.length === 0) return untargeted;
  for (const { index, port } of c.portSpecs) {
    const target = port.targetPort ?? port.port;
    const field = `spec.ports[${index}].targetPort`;
    const lead = { port, field };
    if (typeof target === 'number') tellNumber(c, target, lead);
    else if (!tellName(c, target, lead)) untargeted.add(port.name ?? '');
  }
  return untargeted;
}

interface Lead {
  readonly port: ServicePortSpec;
  readonly field: string;
}

/** False when no Pod has the port. */
function tellName(c: ServiceCase, target: string, { port, field }: Lead): boolean {
  const { notes, service } = c;
  const on = subjectOf(service, field);
  const label = portLabel(port);
  const protocol = port.protocol ?? 'TCP';
  const all = c.pods.flatMap(declaredPorts);
  const named = all.filter((p) => p.name === target);
  const without = c.pods.filter(
    (pod) => !declaredPorts(pod).some((p) => p.name === target && p.protocol === protocol),
  );
  if (without.length === 0) {
    notes.add('port-target', { on, values: { port: label, target: `"${target}"` } });
    return true;
  }
  if (without.length < c.pods.length) {
    const names = without.map((pod) => pod.metadata.name).toSorted();
    const values = { port: label, target, without: names, all: c.pods.length };
    notes.add('target-name-partly', { on, values });
    return true;
  }
  const pods = c.pods.map((pod) => pod.metadata.name).toSorted();
  const names = byNearness(
    target,
    all.flatMap(({ name }) => name ?? []),
  );
  const [nearest] = names;
  if (named.length > 0) {
    const found = [...new Set(named.map((p) => p.protocol))];
    const values = { port: label, target, found, protocol };
    notes.add('target-name-protocol', { on, values });
  } else if (nearest === undefined) {
    notes.add('target-name-undeclared', { on, values: { port: label, target, pods, field } });
  } else {
    const quoted = names.map((name) => `"${name}"`);
    const values = { port: label, target, pods, names: quoted, nearest, field };
    notes.add('target-name-unknown', { on, values });
  }
  return false;
}

function tellNumber(c: ServiceCase, target: number, { port, field }: Lead): void {
  const { notes, service } = c;
  const on = subjectOf(service, field);
  const label = portLabel(port);
  const protocol = port.protocol ?? 'TCP';
  const all = c.pods.flatMap(declaredPorts);
  const sameNumber = all.filter((p) => p.number === target);
  // Containers need not declare ports: only those that declare others make one wonder.
  if (all.length === 0 || sameNumber.some((p) => p.protocol === protocol)) {
    notes.add('port-target', { on, values: { port: label, target } });
    return;
  }
  if (sameNumber.length > 0) {
    const found = [...new Set(sameNumber.map((p) => p.protocol))];
    notes.add('target-number-protocol', { on, values: { port: label, target, protocol, found } });
    return;
  }
  const declared = [...new Set(all.map((p) => `${p.number}/${p.protocol}`))].toSorted();
  const sameProtocol = all.filter((p) => p.protocol === protocol);
  const [nearest] = byNearness(
    String(target),
    (sameProtocol.length > 0 ? sameProtocol : all).map((p) => String(p.number)),
  );
  const values = { port: label, target, protocol, declared, nearest: nearest ?? '', field };
  notes.add('target-number-undeclared', { on, values });
}

function declaredPorts(pod: Pod): readonly DeclaredPort[] {
  return (pod.spec?.containers ?? [])
    .flatMap((container) => container.ports ?? [])
    .map((port) => ({
      name: port.name,
      number: port.containerPort,
      protocol: port.protocol ?? 'TCP',
    }));
}
