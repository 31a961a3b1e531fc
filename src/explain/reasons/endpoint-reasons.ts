/** Reasons about endpoints: slices that list them, their readiness, and which of them a policy leaves. */
import type { ReasonTable } from '../reason-row.ts';

export const endpointReasons = {
  'slices-list': {
    stage: 'slice',
    severity: 'ok',
    text: '{slices#EndpointSlice} {slices?lists|list} {endpoints#endpoint} for port {port}',
  },
  'slices-none': {
    stage: 'slice',
    severity: 'broken',
    text: 'No EndpointSlice names Service {service}',
    why: 'The selector finds Pods, but nobody has listed them under the label {label}={name}',
    remedy: 'See that the EndpointSlice controller runs and may write',
  },
  'slice-port-name': {
    stage: 'slice',
    severity: 'warning',
    text: 'EndpointSlice {slice} has {found}, and Service port {port} is named {wanted}',
    why: 'A port of a slice belongs to the Service port of the same name; the number does not count',
    remedy: 'Name the port {wanted} in the EndpointSlice, or rename the Service port',
  },
  'slice-port-unnamed': {
    stage: 'slice',
    severity: 'warning',
    text: 'EndpointSlice {slice} has {found}, and Service port {port} has no name',
    why: 'A port of a slice belongs to the Service port of the same name; the number does not count',
    remedy: 'Take the name off the port in the EndpointSlice, or give the Service port the same',
  },
  'slice-port-protocol': {
    stage: 'slice',
    severity: 'warning',
    text: 'EndpointSlice {slice} has port {wanted} for {found}, and Service port {port} is for {protocol}',
    why: 'A port of a slice belongs to the Service port of the same name and protocol',
    remedy:
      'Set the protocol in the EndpointSlice to {protocol}, or that of the Service port to {found}',
  },
  'slice-no-ports': {
    stage: 'slice',
    severity: 'warning',
    text: 'EndpointSlice {slice} lists no ports',
    why: 'Without a port of the same name and protocol its addresses are of no use to port {port}',
    remedy: 'Add the port to the EndpointSlice: name {wanted}, protocol {protocol}',
  },
  'slice-family': {
    stage: 'slice',
    severity: 'broken',
    text: 'Port {port} is {family}, and the EndpointSlices list only {found}',
    why: 'An address leads to endpoints of its own family only',
    remedy:
      'Give the Pods {family} addresses or add an EndpointSlice of addressType {family}; or leave {family} out of spec.ipFamilies',
  },
  'slice-address-wrong': {
    stage: 'slice',
    severity: 'warning',
    text: '{addresses} in EndpointSlice {slice} {addresses?is|are} no {family} {addresses?address|addresses}',
    why: 'Its addressType is {family}, and what is not one gets no connections',
    remedy:
      'Correct the {addresses?address|addresses}, or move {addresses?it|them} to an EndpointSlice of the right addressType',
  },
  'slice-unlabelled': {
    stage: 'slice',
    severity: 'warning',
    text: 'EndpointSlice {slice} belongs to no Service',
    why: 'It is named like Service {service}, but only the label {label} ties a slice to a Service',
    remedy: 'Label it {label}={name}',
  },
  'slice-misnamed': {
    stage: 'slice',
    severity: 'warning',
    text: 'EndpointSlice {slice} is for a Service {found}, which does not exist',
    why: 'Its label {label} is spelled nearly like this Service, {name}',
    remedy: 'Set the label to {name}',
  },
  'slice-headless': {
    stage: 'slice',
    severity: 'broken',
    text: 'EndpointSlice {slice} is marked as one of a headless Service',
    why: 'It has the label {label}, and no proxy forwards to such a slice; Service {service} is not headless',
    remedy: 'Remove the label from the EndpointSlice',
  },
  'endpoints-ready': {
    stage: 'readiness',
    severity: 'ok',
    text: '{ready} of {all#endpoint} of port {port} {ready?is|are} ready',
  },
  'endpoints-none': {
    stage: 'readiness',
    severity: 'broken',
    text: 'Port {port} has no endpoints: connections to it are refused',
  },
  'endpoints-unready': {
    stage: 'readiness',
    severity: 'broken',
    text: '0 of {all#endpoint} of {what} {all?is|are} ready',
  },
  'endpoints-unready-manual': {
    stage: 'readiness',
    severity: 'broken',
    text: '0 of {all#endpoint} of {what} {all?is|are} ready',
    why: 'The EndpointSlices kept by hand say conditions.ready: false',
    remedy: 'Set conditions.ready to true for those that serve',
  },
  'endpoints-stale': {
    stage: 'readiness',
    severity: 'broken',
    text: '0 of {all#endpoint} of {what} {all?is|are} ready, though {ready#Pod} {ready?is|are}',
    why: 'The EndpointSlices do not say yet what {ready?the Pod says|the Pods say}: {ready}',
    remedy: 'See that the EndpointSlice controller runs and may write',
  },
  'terminating-only': {
    stage: 'readiness',
    severity: 'warning',
    text: 'Only endpoints that are ending serve port {port}: {serving}',
    why: 'None is ready, so those that still serve while they end take the connections; then there is nobody',
    remedy: 'Start Pods that take over, and let the old ones end only when those are ready',
  },
  'publish-not-ready': {
    stage: 'readiness',
    severity: 'info',
    text: 'Pods count as ready whether they are or not (spec.publishNotReadyAddresses)',
  },
  'not-ready-published': {
    stage: 'readiness',
    severity: 'warning',
    text: 'Clients are sent to {pods#Pod} that {pods?is|are} not ready: {pods}',
    why: 'Readiness is not asked for, as spec.publishNotReadyAddresses is true',
    remedy:
      'Set spec.publishNotReadyAddresses to false, unless the Pods must find one another while they start',
  },
  'weights-zero': {
    stage: 'readiness',
    severity: 'broken',
    text: 'Every endpoint of port {port} has weight 0',
    why: 'Weight 0 drains: such an endpoint gets no new connection',
    remedy: 'Remove the label {label} from a Pod, or set it to 1 or more',
  },
  'weights-some-zero': {
    stage: 'readiness',
    severity: 'info',
    text: '{drained#endpoint} of port {port} {drained?has|have} weight 0 and {drained?gets|get} no new connection: {drained}',
  },
  'policy-internal-cluster': {
    stage: 'policy',
    severity: 'ok',
    text: 'Clients inside the cluster may use {endpoints#endpoint} of port {port} (internalTrafficPolicy Cluster)',
  },
  'policy-internal-local': {
    stage: 'policy',
    severity: 'ok',
    text: 'Clients on node {node} may use {endpoints#endpoint} of port {port}, those of that node (internalTrafficPolicy Local)',
  },
  'policy-internal-local-none': {
    stage: 'policy',
    severity: 'broken',
    text: 'Connections from node {node} to port {port} are dropped',
    why: 'The internalTrafficPolicy is Local and no endpoint is on that node; usable elsewhere: {elsewhere}',
    remedy:
      'Set spec.internalTrafficPolicy to Cluster, or run a Pod of the Service on every node that has clients',
  },
  'policy-external-cluster': {
    stage: 'policy',
    severity: 'ok',
    text: 'Clients outside may use {endpoints#endpoint} of port {port}, which {endpoints?sees|see} the node as the client (externalTrafficPolicy Cluster)',
  },
  'policy-external-local': {
    stage: 'policy',
    severity: 'ok',
    text: "Clients outside may use {endpoints#endpoint} of port {port}, those of node {node}, which {endpoints?sees|see} the client's own address (externalTrafficPolicy Local)",
  },
  'policy-external-local-none': {
    stage: 'policy',
    severity: 'warning',
    text: 'Connections from outside that enter at node {node} for port {port} are dropped',
    why: 'The externalTrafficPolicy is Local and no endpoint is on that node; usable elsewhere: {elsewhere}',
    remedy:
      'Let the load balancer ask healthCheckNodePort and pass over this node, run a Pod here, or set spec.externalTrafficPolicy to Cluster',
  },
  'source-ranges': {
    stage: 'source',
    severity: 'info',
    text: 'Only sources in {ranges} may use {addresses} (spec.loadBalancerSourceRanges)',
  },
  'topology-narrows': {
    stage: 'policy',
    severity: 'info',
    text: 'Topology hints keep connections to port {port} {place}: {chosen} of {ready} ready {ready?endpoint|endpoints}',
  },
  'topology-no-zone': {
    stage: 'policy',
    severity: 'info',
    text: 'The zone hints of port {port} are not used on node {node}',
    why: 'It is not known in which zone the node is',
    remedy: 'Set the label {label} on Node {node}',
  },
  'topology-incomplete': {
    stage: 'policy',
    severity: 'info',
    text: 'The topology hints of port {port} are not used',
    why: 'All ready endpoints must have hints, and {without} {without?has|have} none',
    remedy:
      'Wait for the EndpointSlice controller to write them; it does so when every endpoint has a zone',
  },
  'topology-no-match': {
    stage: 'policy',
    severity: 'info',
    text: 'The topology hints of port {port} are not used on node {node}',
    why: 'The hints name {hinted}, and not its zone, {zone}',
    remedy: 'Run a Pod of the Service in zone {zone} if connections shall stay there',
  },
  'topology-unhinted': {
    stage: 'policy',
    severity: 'info',
    text: 'The trafficDistribution {wanted} has no effect on port {port}',
    why: 'No endpoint has topology hints, which the EndpointSlice controller writes',
    remedy: 'See that the Nodes of the Pods have the label {label}',
  },
  scheduler: {
    stage: 'scheduler',
    severity: 'ok',
    text: 'Endpoints of port {port} are chosen by {scheduler}',
  },
  'scheduler-stands-in': {
    stage: 'scheduler',
    severity: 'warning',
    text: 'Port {port} asks for the scheduler {wanted}, and {effective} stands in for it',
    why: 'The driver of node {node} cannot do {wanted}',
    remedy:
      'Use a driver that can, or set the annotation {key} to {effective} so that it says what happens',
  },
  'setting-not-taken': {
    stage: 'scheduler',
    severity: 'warning',
    text: 'The annotation {key} is not taken as it stands; in force instead: {fallback}',
    why: 'In {key}: {problem}',
    remedy: 'Correct the annotation, or remove it',
  },
  'requests-balanced': {
    stage: 'scheduler',
    severity: 'ok',
    text: 'Each HTTP request of port {port} is balanced on its own, by {by}',
  },
  'requests-sticky': {
    stage: 'scheduler',
    severity: 'ok',
    text: 'Each HTTP request of port {port} goes where its cookie {cookie} says; who has none is spread by {by}',
  },
  'request-without-gateway': {
    stage: 'scheduler',
    severity: 'warning',
    text: 'Port {port} asks for each HTTP request to be balanced, and its connections are',
    why: '{why}, so the port is forwarded by connections',
    remedy: '{remedy}',
  },
  'tls-secret-missing': {
    stage: 'scheduler',
    severity: 'warning',
    text: 'Port {port} is to end TLS with the certificate of Secret {secret}, and has none: {meanwhile}',
    why: 'Secret {secret} does not exist, or is not of type {type}',
    remedy:
      'Make it: kubectl create secret tls {name} -n {namespace} --cert FILE --key FILE. One of another type is to be deleted first, since a type cannot be changed',
  },
  'tls-secret-incomplete': {
    stage: 'scheduler',
    severity: 'warning',
    text: 'The certificate of port {port} cannot be served: {meanwhile}',
    why: 'Secret {secret} lacks tls.crt or tls.key',
    remedy:
      'Put both into Secret {secret}: kubectl create secret tls {name} -n {namespace} --cert FILE --key FILE --dry-run=client -o yaml | kubectl apply -f -',
  },
  'tls-secret-unreadable': {
    stage: 'scheduler',
    severity: 'warning',
    text: 'The certificate of port {port} cannot be served: {meanwhile}',
    why: 'The tls.crt or tls.key of Secret {secret} is no certificate or key in PEM that can be read',
    remedy:
      'See what openssl x509 and openssl pkey make of the files, and put good ones into it: kubectl create secret tls {name} -n {namespace} --cert FILE --key FILE --dry-run=client -o yaml | kubectl apply -f -',
  },
  'tls-secret-key-mismatch': {
    stage: 'scheduler',
    severity: 'warning',
    text: 'The certificate of port {port} cannot be served: {meanwhile}',
    why: 'The tls.key of Secret {secret} does not belong to the first certificate of its tls.crt',
    remedy:
      "Put the server's own certificate first, those of its issuers after it, and the key that was made for it: kubectl create secret tls {name} -n {namespace} --cert FILE --key FILE --dry-run=client -o yaml | kubectl apply -f -",
  },
  'tls-secret-expired': {
    stage: 'scheduler',
    severity: 'warning',
    text: 'The certificate of port {port} has expired, and clients that check it turn away',
    why: 'The certificate in Secret {secret} is served although its time is over',
    remedy:
      'Have it renewed; the next client is given the new one: kubectl create secret tls {name} -n {namespace} --cert FILE --key FILE --dry-run=client -o yaml | kubectl apply -f -',
  },
  'scheduler-outgrown': {
    stage: 'scheduler',
    severity: 'warning',
    text: 'Port {port} has outgrown the table of {scheduler}: {cost}',
    why: 'Tables are bounded, so that a Service costs a node the same however large it is: {bound}',
    remedy: '{remedy}',
  },
  'scheduler-unknown': {
    stage: 'scheduler',
    severity: 'warning',
    text: 'The scheduler {asked} is not known, and {effective} is used',
    why: 'The annotation {key} must be the name of a scheduler',
    remedy: 'Set the annotation to the name of a scheduler, or remove it for {effective}',
  },
  'affinity-client-ip': {
    stage: 'scheduler',
    severity: 'info',
    text: 'A client address keeps its endpoint of port {port} until {timeout} after its last new connection (sessionAffinity ClientIP)',
  },
  'endpoint-choice': {
    stage: 'endpoint',
    severity: 'ok',
    text: 'A connection to port {port} goes to {endpoints?|one of }{endpoints}',
  },
  'endpoint-choice-outside': {
    stage: 'endpoint',
    severity: 'ok',
    text: 'A connection from outside to port {port} goes to {endpoints?|one of }{endpoints}',
  },
  'headless-names': {
    stage: 'endpoint',
    severity: 'ok',
    text: 'The name {name} resolves to {addresses}',
  },
  'headless-nothing': {
    stage: 'endpoint',
    severity: 'broken',
    text: 'The name {name} resolves to nothing: no endpoint is ready',
  },
} as const satisfies ReasonTable;
