/** Reasons about one connection: what it meets, and what becomes of it. */
import type { ReasonTable } from '../reason-row.ts';

export const flowReasons = {
  'flow-resolved': {
    stage: 'name',
    severity: 'ok',
    text: 'The name {name} is Service {service}, at {address}',
  },
  'flow-host-outside': {
    stage: 'name',
    severity: 'info',
    text: 'The name {name} is no Service of this cluster: the client asks other name servers, and no Service takes part',
  },
  'flow-frontend': {
    stage: 'address',
    severity: 'ok',
    text: '{destination} is {what} of Service {service}, port {port}',
  },
  'flow-unknown': {
    stage: 'address',
    severity: 'info',
    text: 'Node {node} serves no Service at {destination}',
  },
  'flow-source-allowed': {
    stage: 'source',
    severity: 'ok',
    text: 'Source {source} is in spec.loadBalancerSourceRanges',
  },
  'flow-source-refused': {
    stage: 'source',
    severity: 'broken',
    text: 'The connection is dropped: source {source} is not in spec.loadBalancerSourceRanges',
    why: 'Only {ranges} may use this address of Service {service}',
    remedy: 'Add {source}/{bits} or a range around it to spec.loadBalancerSourceRanges',
  },
  'flow-policy-cluster': {
    stage: 'policy',
    severity: 'ok',
    text: 'Endpoints on any node may be chosen ({policy})',
  },
  'flow-policy-local': {
    stage: 'policy',
    severity: 'ok',
    text: 'Only endpoints on node {node} may be chosen ({policy})',
  },
  'flow-policy-from-here': {
    stage: 'policy',
    severity: 'ok',
    text: 'Endpoints on any node may be chosen: {policy} binds only clients outside, and this one is on node {node}',
  },
  'flow-seen-as-node': {
    stage: 'endpoint',
    severity: 'info',
    text: 'The endpoint sees an address of node {node} as its client, not {source} (masquerade)',
  },
  'flow-seen-as-client': {
    stage: 'endpoint',
    severity: 'ok',
    text: "The endpoint sees the client's own address, {source}",
  },
  'flow-hairpin': {
    stage: 'endpoint',
    severity: 'info',
    text: 'If the client {source} is itself chosen, it sees an address of node {node} as its client (hairpin)',
  },
  'flow-pool': {
    stage: 'policy',
    severity: 'ok',
    text: '{candidates} of {all#endpoint} may be chosen',
  },
  'flow-pool-empty': {
    stage: 'policy',
    severity: 'broken',
    text: 'No endpoint may be chosen: there {all?is|are} {all} in all, and none is usable here',
  },
  'flow-scheduler': {
    stage: 'scheduler',
    severity: 'ok',
    text: 'The endpoint is chosen by {scheduler}',
  },
  'flow-affinity': {
    stage: 'scheduler',
    severity: 'info',
    text: 'If {source} connected less than {timeout} ago it keeps its endpoint (sessionAffinity ClientIP)',
  },
  'flow-forward': {
    stage: 'verdict',
    severity: 'ok',
    text: 'The connection is forwarded to {endpoints?|one of }{endpoints}',
  },
  'flow-would-forward': {
    stage: 'verdict',
    severity: 'info',
    text: 'Were the address served, the connection would go to {endpoints?|one of }{endpoints}',
  },
  'flow-weights-zero': {
    stage: 'verdict',
    severity: 'broken',
    text: 'The connection finds nobody: every endpoint it may be sent to has weight 0',
    why: 'Weight 0 drains: such an endpoint gets no new connection',
    remedy: 'Remove the label {label} from a Pod of Service {service}, or set it to 1 or more',
  },
  'flow-reject': {
    stage: 'verdict',
    severity: 'broken',
    text: 'The connection is refused: Service {service} has no endpoint that can take it',
  },
  'flow-drop-local': {
    stage: 'verdict',
    severity: 'broken',
    text: 'The connection is dropped: no usable endpoint of Service {service} is on node {node}',
    why: '{policy} allows no other node; usable elsewhere: {elsewhere}',
    remedy:
      'Set spec.{policyField} to Cluster, run a Pod of the Service on node {node}, or enter at a node that has one',
  },
  'flow-port-unserved': {
    stage: 'verdict',
    severity: 'broken',
    text: 'The connection is refused: Service {service} has no port {port}/{protocol}',
    why: 'It serves {served}',
    remedy: 'Connect to a port that it serves, or add {port}/{protocol} to spec.ports',
  },
  'flow-port-not-taken': {
    stage: 'verdict',
    severity: 'broken',
    text: 'Service {service} has the address {address}, but no port {port}/{protocol} there',
    why: 'It serves {served}; for any other port the address is not ours',
    remedy: 'Connect to a port that it serves, or add {port}/{protocol} to spec.ports',
  },
  'flow-other-protocol': {
    stage: 'verdict',
    severity: 'broken',
    text: '{destination} is served for {served}, and the connection is {protocol}',
    why: 'Port {port} of Service {service} has protocol {served}; each protocol is a port of its own',
    remedy: 'Connect by {served}, or add a port with protocol {protocol} to spec.ports',
  },
  'flow-unallocated': {
    stage: 'verdict',
    severity: 'broken',
    text: 'The connection is dropped: no Service has the address {address}',
    why: 'It is in the Service range {range}; a Service that had it is gone, or has been created again with another',
    remedy: 'Look the Service up again and use its name: names stay, addresses do not',
  },
  'flow-pass': {
    stage: 'verdict',
    severity: 'info',
    text: 'The connection is left alone: it goes to {address} as if Switchyard were not there',
  },
  'flow-to-pod': {
    stage: 'address',
    severity: 'info',
    text: '{address} is Pod {pod} itself: no Service takes part, and nothing is balanced',
  },
  'flow-nodeport-address': {
    stage: 'verdict',
    severity: 'broken',
    text: 'NodePort {port} does not answer at {address}',
    why: 'On node {node} NodePorts answer at {addresses}',
    remedy: 'Connect to one of the addresses at which NodePorts answer, or add {address} to them',
  },
  'flow-nodeport-unknown': {
    stage: 'verdict',
    severity: 'broken',
    text: 'No Service has NodePort {port}/{protocol}',
    why: 'NodePorts are given to {served}',
    remedy: 'Connect to the NodePort the Service has, or set spec.ports[].nodePort to {port}',
  },
  'flow-external-name': {
    stage: 'verdict',
    severity: 'broken',
    text: 'Service {service} takes no connections: it is an alias of {target}',
    why: 'A Service of type ExternalName is a DNS answer only, whatever spec.clusterIP says',
    remedy:
      'Connect by the name of the Service, which resolves to {target}, or give it type ClusterIP',
  },
  'flow-alias': {
    stage: 'verdict',
    severity: 'info',
    text: 'The client connects to {target} itself: Service {service} is an alias of it (ExternalName)',
  },
  'flow-headless': {
    stage: 'verdict',
    severity: 'info',
    text: 'The client connects to {endpoints?|one of }{endpoints} itself: Service {service} is headless',
  },
  'flow-headless-nothing': {
    stage: 'verdict',
    severity: 'broken',
    text: 'The name {name} resolves to nothing: headless Service {service} has no ready endpoint',
  },
  'flow-headless-port': {
    stage: 'verdict',
    severity: 'broken',
    text: 'Headless Service {service} does not lead from port {port} to {target}',
    why: 'The name resolves to the Pods themselves, and those listen at {target}',
    remedy: 'Connect to port {target}',
  },
  'flow-no-address': {
    stage: 'verdict',
    severity: 'broken',
    text: 'The name {name} resolves to nothing: Service {service} has no cluster address',
  },
  'flow-not-forwarded': {
    stage: 'verdict',
    severity: 'broken',
    text: '{destination} belongs to Service {service}, which node {node} does not forward',
  },
  'flow-lb-proxy': {
    stage: 'address',
    severity: 'info',
    text: '{address} is a load balancer of Service {service} with ipMode Proxy: it must see the connection itself',
  },
  'flow-address-failed': {
    stage: 'verdict',
    severity: 'broken',
    text: '{destination} does not answer on node {node}',
    why: '{message}',
    remedy: '{remedy}',
  },
  'flow-address-failed-plain': {
    stage: 'verdict',
    severity: 'broken',
    text: '{destination} does not answer on node {node}',
    why: '{message}',
    remedy:
      'Remove what the reason names, or give the Service another port or address; it is tried again by itself',
  },
  'flow-stands-in': {
    stage: 'verdict',
    severity: 'warning',
    text: 'On this host {destination} is reached at {reached}',
    why: 'This host does not let Switchyard listen at {destination} itself, so a client that connects there gets no answer',
    remedy: 'Connect to {reached}',
  },
} as const satisfies ReasonTable;

/** How the sentence `flow-frontend` calls each kind of frontend. */
export const frontendWords = {
  clusterIP: 'the cluster address',
  nodePort: 'a NodePort',
  loadBalancer: 'a load balancer address',
  externalIP: 'an external address',
} as const;
