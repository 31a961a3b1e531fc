/** Whether EndpointSlices list endpoints for each port, and what keeps those that exist from counting. */
import {
  endpointSliceController,
  labels,
  type EndpointSlice,
  type SlicePort,
} from '../kube/index.ts';
import { canonicalIp, familyOf, isNear } from '../model/index.ts';
import { isFinished } from './pod-trouble.ts';
import type { PortCase, ServiceCase } from './service-case.ts';
import { namespaceOf, subjectOf } from './world.ts';

/** `untargeted`: names of ports that no Pod has a target for, which is told already. */
export function tellSlices(c: ServiceCase, untargeted: ReadonlySet<string>): void {
  if (c.slices.length === 0) {
    tellNoSlices(c);
    return;
  }
  for (const slice of c.slices) tellAddresses(c, slice);
  if (c.isHeadless) return;
  const counted = c.slices.filter((slice) => !isHeadlessSlice(slice));
  for (const slice of c.slices.filter(isHeadlessSlice)) {
    c.notes.add('slice-headless', {
      on: subjectOf(slice, `metadata.labels[${labels.headless}]`),
      values: { slice: slice.metadata.name, label: labels.headless, service: c.key },
    });
  }
  for (const port of c.ports)
    tellPort(c, port, { counted, isUntargeted: untargeted.has(port.draft.ref.portName) });
}

function isHeadlessSlice(slice: EndpointSlice): boolean {
  return slice.metadata.labels?.[labels.headless] !== undefined;
}

/** Pods without an address are told of as such: only those that could be listed are missed. */
function tellNoSlices({ notes, service, pods, key, name }: ServiceCase): void {
  if (!pods.some((pod) => pod.status?.podIP !== undefined && !isFinished(pod))) return;
  notes.add('slices-none', {
    on: subjectOf(service, 'spec.selector'),
    values: { service: key, label: labels.serviceName, name },
  });
}

/** Slices that were meant for this Service, by their name or by a label spelled nearly right; true when there are. */
export function tellStrays(c: ServiceCase): boolean {
  const { world, notes, namespace, name } = c;
  const severity = c.isServed ? {} : ({ severity: 'broken' } as const);
  let hasStray = false;
  for (const slice of world.slices) {
    if (namespaceOf(slice) !== namespace) continue;
    const sliceName = slice.metadata.name;
    const found = slice.metadata.labels?.[labels.serviceName];
    const on = subjectOf(slice, `metadata.labels[${labels.serviceName}]`);
    const base = { slice: sliceName, label: labels.serviceName, name };
    if (found === undefined) {
      if (sliceName !== name && !sliceName.startsWith(`${name}-`)) continue;
      notes.add('slice-unlabelled', { on, values: { ...base, service: c.key }, ...severity });
      hasStray = true;
    } else if (found !== name && isNear(found, name) && !isService(c, found)) {
      notes.add('slice-misnamed', { on, values: { ...base, found }, ...severity });
      hasStray = true;
    }
  }
  return hasStray;
}

function isService({ world, namespace }: ServiceCase, name: string): boolean {
  return world.services.some((s) => namespaceOf(s) === namespace && s.metadata.name === name);
}

function tellAddresses({ notes }: ServiceCase, slice: EndpointSlice): void {
  const family = slice.addressType;
  if (family !== 'IPv4' && family !== 'IPv6') return;
  const addresses = (slice.endpoints ?? []).flatMap((endpoint) =>
    endpoint.addresses.slice(0, 1).filter((address) => {
      const canonical = canonicalIp(address);
      return canonical === undefined || familyOf(canonical) !== family;
    }),
  );
  if (addresses.length === 0) return;
  notes.add('slice-address-wrong', {
    on: subjectOf(slice, 'endpoints[].addresses'),
    values: { slice: slice.metadata.name, family, addresses },
  });
}

interface PortSlices {
  readonly counted: readonly EndpointSlice[];
  readonly isUntargeted: boolean;
}

function tellPort(c: ServiceCase, port: PortCase, { counted, isUntargeted }: PortSlices): void {
  const { notes, service } = c;
  const { family } = port.draft.ref;
  const ofFamily = counted.filter((slice) => slice.addressType === family);
  const endpoints = port.server?.endpoints.length ?? 0;
  if (ofFamily.length === 0) {
    if (counted.length === 0) return;
    const found = [...new Set(counted.map((slice) => `${slice.addressType} addresses`))];
    const values = { port: port.label, family, found };
    notes.add('slice-family', { on: subjectOf(service, 'spec.ipFamilies'), values });
    return;
  }
  const matching = ofFamily.filter((slice) => hasPort(slice, port));
  if (endpoints > 0) {
    const slices = matching.map((slice) => slice.metadata.name);
    const on = subjectOf(matching[0] ?? service, 'endpoints');
    notes.add('slices-list', { on, values: { slices, endpoints, port: port.label } });
  }
  for (const slice of ofFamily) {
    const isController = slice.metadata.labels?.[labels.managedBy] === endpointSliceController;
    // The controller leaves a port out where a Pod has no target for it: the Pods have been told of.
    if (matching.includes(slice) || isUntargeted || (isController && endpoints > 0)) continue;
    if ((slice.endpoints ?? []).length > 0) tellMismatch(c, port, slice);
  }
}

function hasPort(slice: EndpointSlice, { draft }: PortCase): boolean {
  return (slice.ports ?? []).some(
    (p) => (p.name ?? '') === draft.ref.portName && (p.protocol ?? 'TCP') === draft.ref.protocol,
  );
}

/** A slice of the right family without the port: by its name, its protocol, or altogether. */
function tellMismatch({ notes }: ServiceCase, port: PortCase, slice: EndpointSlice): void {
  const { portName, protocol } = port.draft.ref;
  const ports = slice.ports ?? [];
  const wanted = nameLabel(portName);
  const endpoints = port.server?.endpoints.length ?? 0;
  const severity = endpoints > 0 ? {} : ({ severity: 'broken' } as const);
  const base = { slice: slice.metadata.name, port: port.label, wanted };
  const sameName = ports.filter((p) => (p.name ?? '') === portName);
  if (ports.length === 0) {
    notes.add('slice-no-ports', {
      on: subjectOf(slice, 'ports'),
      values: { ...base, protocol },
      ...severity,
    });
  } else if (sameName.length > 0) {
    const found = sameName.map((p) => p.protocol ?? 'TCP');
    const on = subjectOf(slice, 'ports[].protocol');
    notes.add('slice-port-protocol', { on, values: { ...base, found, protocol }, ...severity });
  } else {
    const found = ports.map(foundLabel);
    const on = subjectOf(slice, 'ports[].name');
    if (portName === '') {
      notes.add('slice-port-unnamed', { on, values: { ...base, found }, ...severity });
    } else notes.add('slice-port-name', { on, values: { ...base, found }, ...severity });
  }
}

function foundLabel({ name = '', port }: SlicePort): string {
  return `port ${port ?? 'without number'} ${name === '' ? 'without a name' : `named ${nameLabel(name)}`}`;
}

function nameLabel(name: string): string {
  return `"${name}"`;
}
