/** Reasons about the Pods behind a Service: whether the selector finds them, their ports, and their readiness. */
import type { ReasonTable } from '../reason-row.ts';

export const podReasons = {
  'port-target': {
    stage: 'port',
    severity: 'ok',
    text: 'Port {port} leads to container port {target}',
  },
  'target-name-unknown': {
    stage: 'port',
    severity: 'broken',
    text: 'Port {port} leads to the container port named "{target}", which no Pod has',
    why: 'The container ports of {pods} are named {names}',
    remedy: 'Set {field} to "{nearest}", or name the container port "{target}"',
  },
  'target-name-undeclared': {
    stage: 'port',
    severity: 'broken',
    text: 'Port {port} leads to the container port named "{target}", which no Pod has',
    why: 'The containers of {pods} name no port',
    remedy: 'Name a container port "{target}", or set {field} to its number',
  },
  'target-name-protocol': {
    stage: 'port',
    severity: 'broken',
    text: 'Port {port} leads to the container port "{target}", which is there for {found} only',
    why: 'A target port is found by name and protocol, and the Service port is for {protocol}',
    remedy:
      'Set the protocol of the Service port to {found}, or that of the container port to {protocol}',
  },
  'target-name-partly': {
    stage: 'port',
    severity: 'warning',
    text: '{without#Pod} of {all} {without?has|have} no container port named "{target}": {without}',
    why: 'Port {port} leads there, so no connection to it reaches {without?that Pod|those Pods}',
    remedy: 'Name the container port "{target}" there too',
  },
  'target-number-protocol': {
    stage: 'port',
    severity: 'warning',
    text: 'Port {port} leads to {target}/{protocol}, and the containers declare {target} for {found}',
    why: 'What listens for {found} does not hear {protocol}',
    remedy:
      'Set the protocol of the Service port to {found}, or declare the container port for {protocol}',
  },
  'target-number-undeclared': {
    stage: 'port',
    severity: 'warning',
    text: 'Port {port} leads to {target}/{protocol}, which no container declares',
    why: 'The containers declare {declared}; they need not, so connections are sent to {target} all the same',
    remedy: 'If nothing listens at {target}, set {field} to {nearest}',
  },
  'selector-matches': {
    stage: 'selector',
    severity: 'ok',
    text: 'The selector {selector} matches {pods#Pod}: {pods}',
  },
  'selector-near-value': {
    stage: 'selector',
    severity: 'broken',
    text: 'The selector {selector} matches no Pod of namespace {namespace}',
    why: '{pods#Pod} {pods?has|have} {actual} where {wanted} is asked for: {pods}',
    remedy: 'Select {actual}, or label the {pods?Pod|Pods} {wanted}',
  },
  'selector-near-missing': {
    stage: 'selector',
    severity: 'broken',
    text: 'The selector {selector} matches no Pod of namespace {namespace}',
    why: '{pods#Pod} {pods?lacks|lack} only {missing}: {pods}',
    remedy: 'Label the {pods?Pod|Pods} {missing}, or take {missing} out of the selector',
  },
  'selector-elsewhere': {
    stage: 'selector',
    severity: 'broken',
    text: 'The selector {selector} matches no Pod of namespace {namespace}',
    why: 'It matches {pods#Pod} of namespace {other}, and a Service selects in its own namespace only',
    remedy: 'Create the Service in namespace {other}, or the Pods in namespace {namespace}',
  },
  'selector-nothing-near': {
    stage: 'selector',
    severity: 'broken',
    text: 'The selector {selector} matches no Pod of namespace {namespace}',
    why: 'The {pods#Pod} there {pods?has|have} other labels: {examples}',
    remedy: 'Start Pods with the labels {selector}, or select labels that Pods have',
  },
  'selector-no-pods': {
    stage: 'selector',
    severity: 'broken',
    text: 'The selector {selector} matches no Pod of namespace {namespace}',
    why: 'The namespace has no Pods at all',
    remedy: 'Start Pods with the labels {selector} in namespace {namespace}',
  },
  'selector-absent': {
    stage: 'selector',
    severity: 'ok',
    text: 'There is no selector: the endpoints are kept by hand in {slices#EndpointSlice}, {slices}',
  },
  'selector-absent-stray': {
    stage: 'selector',
    severity: 'info',
    text: 'There is no selector: the endpoints must come from EndpointSlices labelled {label}={name}',
  },
  'selector-absent-no-slices': {
    stage: 'selector',
    severity: 'broken',
    text: 'There is no selector, and no EndpointSlice names Service {service}',
    why: 'Without a selector nobody looks for Pods: endpoints come from EndpointSlices labelled {label}={name}',
    remedy: 'Set spec.selector, or create an EndpointSlice with that label',
  },
  'pods-ready': {
    stage: 'pods',
    severity: 'ok',
    text: '{ready} of {all#Pod} {ready?is|are} ready',
  },
  'pods-some-ready': {
    stage: 'pods',
    severity: 'warning',
    text: 'Only {ready} of {all#Pod} {ready?is|are} ready',
  },
  'pods-none-ready': {
    stage: 'pods',
    severity: 'broken',
    text: '0 of {all#Pod} {all?is|are} ready',
  },
  'pods-leaving': {
    stage: 'pods',
    severity: 'info',
    text: '{pods#Pod} {pods?is|are} on the way out and {pods?gets|get} no new connection: {pods}',
  },
  'pod-finished': {
    stage: 'pods',
    severity: 'warning',
    text: '{pods#Pod} {pods?has|have} finished ({phase}): {pods}',
    why: 'A Pod that has finished serves nobody. {reason}',
    remedy: 'Start Pods that stay: a Deployment keeps the server running',
  },
  'pod-terminating': {
    stage: 'pods',
    severity: 'warning',
    text: '{pods#Pod} {pods?is|are} ending: {pods}',
    why: 'A Pod that ends is used only while none is ready, and only as long as it still serves',
    remedy: 'Wait for the Pods that take over, or start some',
  },
  'pod-unscheduled': {
    stage: 'pods',
    severity: 'warning',
    text: '{pods#Pod} {pods?has|have} no node: {pods}',
    why: '{reason}: {message}',
    remedy: 'Give the cluster what the message misses, or let the {pods?Pod|Pods} ask for less',
  },
  'pod-image': {
    stage: 'pods',
    severity: 'warning',
    text: 'The image of container {container} cannot be pulled: {pods}',
    why: '{reason}: {message}',
    remedy: "Correct the image's name, or see that the node may pull it",
  },
  'pod-crashing': {
    stage: 'pods',
    severity: 'warning',
    text: 'Container {container} starts and ends again and again: {pods}',
    why: 'It ended with {exit}, {restarts#restart} so far: {message}',
    remedy: 'Read its last words: kubectl logs {first} -n {namespace} -c {container} --previous',
  },
  'pod-waiting': {
    stage: 'pods',
    severity: 'warning',
    text: 'Container {container} has not started: {pods}',
    why: '{reason}: {message}',
    remedy: 'Remove what the reason names: kubectl describe pod {first} -n {namespace}',
  },
  'pod-no-address': {
    stage: 'pods',
    severity: 'warning',
    text: '{pods#Pod} {pods?has|have} no address: {pods}',
    why: 'The status (phase {phase}) has no podIP, so no EndpointSlice can list {pods?it|them}',
    remedy:
      'See why the network of the node gives none: kubectl describe pod {first} -n {namespace}',
  },
  'pod-refused': {
    stage: 'pods',
    severity: 'warning',
    text: 'Nothing listens where {pods#Pod} {pods?is|are} asked for readiness: {pods}',
    why: '{message}',
    remedy:
      "Let the server listen at that port of the Pod's address (not only of 127.0.0.1), or correct the port of the probe",
  },
  'pod-probe-failed': {
    stage: 'pods',
    severity: 'warning',
    text: 'The readiness probe of container {container} does not succeed: {pods}',
    why: 'It asks {probe}. {reason}: {message}',
    remedy: 'See that the container answers {probe}, or correct its readinessProbe',
  },
  'pod-gate': {
    stage: 'pods',
    severity: 'warning',
    text: '{pods#Pod} {pods?waits|wait} for the readiness gate {gate}: {pods}',
    why: '{message}',
    remedy:
      'See that whoever sets the condition {gate} runs, or remove it from spec.readinessGates',
  },
  'pod-not-ready': {
    stage: 'pods',
    severity: 'warning',
    text: '{pods#Pod} {pods?is|are} not ready: {pods}',
    why: '{reason}: {message}',
    remedy: 'Remove what the reason names: kubectl describe pod {first} -n {namespace}',
  },
  'pod-unreported': {
    stage: 'pods',
    severity: 'warning',
    text: '{pods#Pod} {pods?has|have} no Ready condition: {pods}',
    why: 'Nobody has reported on {pods?it|them} yet (phase {phase}), and what is not known to be ready is not',
    remedy: 'See that the node of the {pods?Pod|Pods} runs and reports',
  },
} as const satisfies ReasonTable;

/** What fills a gap where the status says nothing. */
export const unsaid = {
  reason: 'No reason',
  message: 'the status says no more',
  phase: 'unknown',
  exit: 'no known exit code',
  probe: 'what readinessProbe says',
} as const;
