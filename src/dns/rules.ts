/** Why an answer is what it is: the codes, and the sentences people read. */

export const rules = {
  zone: 'The zone itself: it has an SOA and an NS record, and no addresses',
  'no-records-here': 'The name exists because others are below it; it has no records of its own',
  'dns-version': 'The version of the Kubernetes DNS specification',
  'name-server': 'The address of this name server',
  'unknown-word': 'Below the zone there are only svc and pod',
  'no-namespace': 'There is no such Namespace',
  'namespace-hidden': 'This server does not answer for the Namespace',
  'no-service': 'There is no such Service',
  'empty-service': 'The Service has no ready endpoint, and this server leaves out such Services',
  'too-many-labels': 'No record has that many labels',
  'cluster-ip': 'The ClusterIPs of the Service',
  headless: 'The Service is headless: the addresses of its ready endpoints',
  'headless-none-ready': 'The Service is headless and has no ready endpoint',
  endpoint: 'One ready endpoint of the Service, by its hostname or its dashed address',
  'no-endpoint': 'The Service has no ready endpoint of that name',
  port: 'The addresses behind a port of the Service',
  srv: 'The ports of the Service and where they are',
  'no-port': 'The Service has no port of that name and protocol',
  'external-name': 'The Service is an alias for its externalName',
  'external-name-dead-end': 'The alias leads in a circle, too far, or to a name without an address',
  'external-name-invalid': 'externalName is not a DNS name; an address cannot be an alias',
  pod: 'A Pod by its dashed address',
  'no-pod': 'No Pod of the Namespace has that address',
  'pods-disabled': 'This server has no names for Pods',
  'reverse-service': 'The Service that has the address as ClusterIP',
  'reverse-endpoint': 'The endpoints that have the address',
  transfer: 'The zone is not transferred',
  'not-synced': 'The objects are not all listed yet; whether the name exists is not known',
} as const;

export type RuleCode = keyof typeof rules;
