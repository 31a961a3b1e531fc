/**
 * What can be wrong with a set of manifests although each object of it is taken, as data: each rule has a folder in
 * testdata that produces it, and a test misses a rule that nothing produces.
 */
import type { GapsOf } from '../model/index.ts';

/** `error`: it will not do what it says; `warning`: it works, perhaps not as somebody expects. */
export type Severity = 'error' | 'warning';

/** Templates (model/template.ts) without a full stop. */
export interface Rule {
  readonly severity: Severity;
  readonly text: string;
  readonly remedy: string;
}

export const rules = {
  'kind-misspelt': {
    severity: 'error',
    text: 'There is no kind {kind} in {apiVersion}: the object is passed over',
    remedy: 'Write kind: {near}',
  },
  'kind-not-served': {
    severity: 'warning',
    text: '{kind} of {apiVersion} is not served here: the object is passed over',
    remedy: 'Nothing, if only a cluster needs it; Switchyard runs without it',
  },
  'namespace-missing': {
    severity: 'error',
    text: 'Namespace {namespace} is not among these manifests, so nothing can be made in it',
    remedy: 'Add a manifest of kind Namespace with that name, or take metadata.namespace away',
  },
  'selector-matches-nothing': {
    severity: 'error',
    text: 'The selector {selector} matches no Pod of any workload here; nearest is {near}',
    remedy: 'Make spec.selector and the labels of the Pod template the same',
  },
  'selector-without-workloads': {
    severity: 'warning',
    text: 'Nothing in namespace {namespace} of these manifests makes Pods, so the selector {selector} matches none',
    remedy: 'Add the workload, or start one with switchyard run',
  },
  'no-selector': {
    severity: 'warning',
    text: 'Without a selector the Service has the endpoints that somebody writes, and these manifests have none for it',
    remedy: 'Add spec.selector, or an EndpointSlice with the label {label}: {name}',
  },
  'target-port-name': {
    severity: 'error',
    text: 'No container of {workloads} has a port named {port}; they have {known}',
    remedy: 'Name the container port {port}, or write targetPort: {near}',
  },
  'target-port-undeclared': {
    severity: 'warning',
    text: 'Connections go to port {port}, and the containers of {workloads} declare {known}',
    remedy: 'Write targetPort: {near}, unless the program listens at {port} all the same',
  },
  'address-claimed-twice': {
    severity: 'error',
    text: 'The address {address} is also claimed by {other} ({place}); the second one is refused',
    remedy: 'Take spec.clusterIP away from one of the two',
  },
  'external-address-claimed-twice': {
    severity: 'error',
    text: '{address} port {port} is also claimed by {other} ({place}); only one can have it',
    remedy: 'Use another external address or another port',
  },
  'address-is-fixed': {
    severity: 'warning',
    text: 'The address {address} must be in the range of the instance that serves it, and on one machine that is in 127.0.0.0/8',
    remedy: 'Take spec.clusterIP away: an address is given, and names are how it is found',
  },
  'node-port-claimed-twice': {
    severity: 'error',
    text: 'The node port {port} is also claimed by {other} ({place}); the second one is refused',
    remedy: 'Give one of the two another nodePort, or none: a free one is found',
  },
  'node-port-out-of-range': {
    severity: 'error',
    text: 'The node port {port} is outside of 30000 to 32767, so the Service is refused',
    remedy: 'Choose one inside, or leave nodePort away: a free one is found',
  },
  'annotation-unknown': {
    severity: 'error',
    text: '{key} is no {place} that Switchyard reads; it does nothing',
    remedy: 'Write {near}',
  },
  'annotation-value': {
    severity: 'error',
    text: 'The value {value} cannot be read: {problem}',
    remedy: 'Correct it, or take it away: see docs/annotations.md',
  },
  'annotation-place': {
    severity: 'warning',
    text: '{key} does nothing as {place} on {kind}: it is read as {wanted}',
    remedy: 'Move it there',
  },
  'per-request-without-http': {
    severity: 'error',
    text: '{key} balances HTTP requests, and no port of the Service says that it speaks HTTP',
    remedy: 'Set appProtocol: http on the port, or name it http',
  },
  'ingress-service-missing': {
    severity: 'error',
    text: 'Service {service} is not among these manifests{near}',
    remedy: 'Correct the name, or add the Service',
  },
  'ingress-port-missing': {
    severity: 'error',
    text: 'Service {service} has no port {port}; it has {known}',
    remedy: 'Write one of its ports, by name or by number',
  },
  'ingress-external-name': {
    severity: 'warning',
    text: 'Service {service} is of type ExternalName: requests leave for {target}',
    remedy: 'Name a Service with endpoints, unless that is what you want',
  },
  'external-name-ports': {
    severity: 'warning',
    text: 'An ExternalName is a name and nothing else: its ports do nothing',
    remedy: 'Take spec.ports away; clients choose the port themselves',
  },
  'external-name-dot': {
    severity: 'warning',
    text: 'The name {name} ends in a dot, which some clients send on as the host they ask for',
    remedy: 'Write {without}',
  },
  'external-name-address': {
    severity: 'error',
    text: '{name} is an address: DNS answers with names only, so nobody can resolve it',
    remedy: 'Use a Service without a selector and an EndpointSlice that holds {name}',
  },
  'external-name-selector': {
    severity: 'warning',
    text: 'An ExternalName has no endpoints: its selector does nothing',
    remedy: 'Take spec.selector away, or choose another type',
  },
  'headless-affinity': {
    severity: 'warning',
    text: 'Clients of a headless Service choose among its Pods themselves: sessionAffinity does nothing',
    remedy: 'Take it away, or take clusterIP: None away',
  },
  'headless-scheduler': {
    severity: 'warning',
    text: 'Clients of a headless Service choose among its Pods themselves: {key} does nothing',
    remedy: 'Take it away, or take clusterIP: None away',
  },
  'affinity-twice': {
    severity: 'warning',
    text: '{key}: {value} wins over spec.sessionAffinity: {field}',
    remedy: 'Keep one of the two',
  },
  'internal-local': {
    severity: 'warning',
    text: 'With internalTrafficPolicy: Local a client on a node without a Pod of {workloads} is never answered, although other nodes have some',
    remedy: 'Use Cluster, or trafficDistribution: PreferSameNode, which falls back to other nodes',
  },
  'external-local': {
    severity: 'warning',
    text: 'With externalTrafficPolicy: Local a node without a Pod of {workloads} answers nobody from outside',
    remedy: 'Use Cluster unless backends must see the address of their client',
  },
  'probe-port-name': {
    severity: 'error',
    text: 'The probe asks port {port}, and container {container} has {known}',
    remedy: 'Name the container port {port}, or correct the probe',
  },
  'probe-port-undeclared': {
    severity: 'warning',
    text: 'The probe asks port {port}, and container {container} declares {known}',
    remedy: 'Correct the probe, unless the program listens at {port} all the same',
  },
  'stateful-service': {
    severity: 'warning',
    text: 'Service {service} {what}, so the Pods have no names of their own',
    remedy:
      'Add a Service named {service} with clusterIP: None and the selector of the StatefulSet',
  },
  'nothing-behind': {
    severity: 'warning',
    text: 'Images are not run here: its Pods have nothing behind them until they are told a program or an address',
    remedy:
      "{bind} --command 'node server.js' (or --address 127.0.0.1:PORT) once it runs, or the annotation {key} on the Pod",
  },
} as const satisfies Readonly<Record<string, Rule>>;

export type RuleCode = keyof typeof rules;

/** The gaps of a rule's sentences. */
export type RuleValues<Code extends RuleCode> = GapsOf<
  (typeof rules)[Code]['text'] | (typeof rules)[Code]['remedy']
>;
