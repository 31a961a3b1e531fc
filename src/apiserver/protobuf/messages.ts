/**
 * The messages that kubectl and helm send although they would read JSON: their typed clients write protobuf for the
 * core kinds. Field numbers are those of Kubernetes' generated.proto files (1.36).
 */

/**
 * `name:type`; `*` repeated, `map` text to text, `#Message` one of those below, `optional...` where 0 and false are
 * something said.
 */
export type MessageFields = Readonly<Record<number, string>>;

const meta: Readonly<Record<string, MessageFields>> = {
  ObjectMeta: {
    1: 'name:text',
    2: 'generateName:text',
    3: 'namespace:text',
    5: 'uid:text',
    6: 'resourceVersion:text',
    7: 'generation:int',
    8: 'creationTimestamp:time',
    9: 'deletionTimestamp:time',
    10: 'deletionGracePeriodSeconds:optionalInt',
    11: 'labels:map',
    12: 'annotations:map',
    13: 'ownerReferences:*#OwnerReference',
    14: 'finalizers:*text',
    17: 'managedFields:*#ManagedFieldsEntry',
  },
  OwnerReference: {
    1: 'kind:text',
    3: 'name:text',
    4: 'uid:text',
    5: 'apiVersion:text',
    6: 'controller:optionalBool',
    7: 'blockOwnerDeletion:optionalBool',
  },
  ManagedFieldsEntry: {
    1: 'manager:text',
    2: 'operation:text',
    3: 'apiVersion:text',
    4: 'time:time',
    6: 'fieldsType:text',
    7: 'fieldsV1:fields',
    8: 'subresource:text',
  },
  LabelSelector: { 1: 'matchLabels:map', 2: 'matchExpressions:*#LabelSelectorRequirement' },
  LabelSelectorRequirement: { 1: 'key:text', 2: 'operator:text', 3: 'values:*text' },
  DeleteOptions: {
    1: 'gracePeriodSeconds:optionalInt',
    2: 'preconditions:#Preconditions',
    3: 'orphanDependents:optionalBool',
    4: 'propagationPolicy:text',
    5: 'dryRun:*text',
  },
  Preconditions: { 1: 'uid:text', 2: 'resourceVersion:text' },
};

const core: Readonly<Record<string, MessageFields>> = {
  Namespace: { 1: 'metadata:#ObjectMeta', 2: 'spec:#NamespaceSpec' },
  NamespaceSpec: { 1: 'finalizers:*text' },
  ConfigMap: {
    1: 'metadata:#ObjectMeta',
    2: 'data:map',
    3: 'binaryData:bytesMap',
    4: 'immutable:optionalBool',
  },
  Secret: {
    1: 'metadata:#ObjectMeta',
    2: 'data:bytesMap',
    3: 'type:text',
    4: 'stringData:map',
    5: 'immutable:optionalBool',
  },
  Service: { 1: 'metadata:#ObjectMeta', 2: 'spec:#ServiceSpec' },
  ServiceSpec: {
    1: 'ports:*#ServicePort',
    2: 'selector:map',
    3: 'clusterIP:text',
    4: 'type:text',
    5: 'externalIPs:*text',
    7: 'sessionAffinity:text',
    8: 'loadBalancerIP:text',
    9: 'loadBalancerSourceRanges:*text',
    10: 'externalName:text',
    11: 'externalTrafficPolicy:text',
    12: 'healthCheckNodePort:int',
    13: 'publishNotReadyAddresses:bool',
    14: 'sessionAffinityConfig:#SessionAffinityConfig',
    17: 'ipFamilyPolicy:text',
    18: 'clusterIPs:*text',
    19: 'ipFamilies:*text',
    20: 'allocateLoadBalancerNodePorts:optionalBool',
    21: 'loadBalancerClass:text',
    22: 'internalTrafficPolicy:text',
    23: 'trafficDistribution:text',
  },
  SessionAffinityConfig: { 1: 'clientIP:#ClientIPConfig' },
  ClientIPConfig: { 1: 'timeoutSeconds:optionalInt' },
  ServicePort: {
    1: 'name:text',
    2: 'protocol:text',
    3: 'port:int',
    4: 'targetPort:intOrString',
    5: 'nodePort:int',
    6: 'appProtocol:text',
  },
  PodTemplateSpec: { 1: 'metadata:#ObjectMeta', 2: 'spec:#PodSpec' },
  PodSpec: {
    2: 'containers:*#Container',
    3: 'restartPolicy:text',
    4: 'terminationGracePeriodSeconds:optionalInt',
    6: 'dnsPolicy:text',
    7: 'nodeSelector:map',
    8: 'serviceAccountName:text',
    10: 'nodeName:text',
    14: 'securityContext:#Empty',
    16: 'hostname:text',
    17: 'subdomain:text',
    19: 'schedulerName:text',
  },
  Container: {
    1: 'name:text',
    2: 'image:text',
    3: 'command:*text',
    4: 'args:*text',
    5: 'workingDir:text',
    6: 'ports:*#ContainerPort',
    7: 'env:*#EnvVar',
    8: 'resources:#Empty',
    13: 'terminationMessagePath:text',
    14: 'imagePullPolicy:text',
    20: 'terminationMessagePolicy:text',
  },
  ContainerPort: {
    1: 'name:text',
    2: 'hostPort:int',
    3: 'containerPort:int',
    4: 'protocol:text',
    5: 'hostIP:text',
  },
  EnvVar: { 1: 'name:text', 2: 'value:text' },
  /** Of which only an empty one can be read. */
  Empty: {},
};

const apps: Readonly<Record<string, MessageFields>> = {
  Deployment: { 1: 'metadata:#ObjectMeta', 2: 'spec:#DeploymentSpec' },
  DeploymentSpec: {
    1: 'replicas:optionalInt',
    2: 'selector:#LabelSelector',
    3: 'template:#PodTemplateSpec',
    4: 'strategy:#DeploymentStrategy',
    5: 'minReadySeconds:int',
    6: 'revisionHistoryLimit:optionalInt',
    7: 'paused:bool',
    9: 'progressDeadlineSeconds:int',
  },
  DeploymentStrategy: { 1: 'type:text', 2: 'rollingUpdate:#RollingUpdateDeployment' },
  RollingUpdateDeployment: { 1: 'maxUnavailable:intOrString', 2: 'maxSurge:intOrString' },
};

const others: Readonly<Record<string, MessageFields>> = {
  Ingress: { 1: 'metadata:#ObjectMeta', 2: 'spec:#IngressSpec' },
  IngressSpec: {
    1: 'defaultBackend:#IngressBackend',
    2: 'tls:*#IngressTLS',
    3: 'rules:*#IngressRule',
    4: 'ingressClassName:text',
  },
  IngressTLS: { 1: 'hosts:*text', 2: 'secretName:text' },
  // The rule's value is a message of its own that JSON has inline.
  IngressRule: { 1: 'host:text', 2: '+#IngressRuleValue' },
  IngressRuleValue: { 1: 'http:#HTTPIngressRuleValue' },
  HTTPIngressRuleValue: { 1: 'paths:*#HTTPIngressPath' },
  HTTPIngressPath: { 1: 'path:text', 2: 'backend:#IngressBackend', 3: 'pathType:text' },
  IngressBackend: { 3: 'resource:#TypedReference', 4: 'service:#IngressServiceBackend' },
  TypedReference: { 1: 'apiGroup:text', 2: 'kind:text', 3: 'name:text' },
  IngressServiceBackend: { 1: 'name:text', 2: 'port:#ServiceBackendPort' },
  ServiceBackendPort: { 1: 'name:text', 2: 'number:int' },
  SelfSubjectAccessReview: { 1: 'metadata:#ObjectMeta', 2: 'spec:#SelfSubjectAccessReviewSpec' },
  SelfSubjectAccessReviewSpec: {
    1: 'resourceAttributes:#ResourceAttributes',
    2: 'nonResourceAttributes:#NonResourceAttributes',
  },
  ResourceAttributes: {
    1: 'namespace:text',
    2: 'verb:text',
    3: 'group:text',
    4: 'version:text',
    5: 'resource:text',
    6: 'subresource:text',
    7: 'name:text',
  },
  NonResourceAttributes: { 1: 'path:text', 2: 'verb:text' },
  SelfSubjectRulesReview: { 1: 'metadata:#ObjectMeta', 2: 'spec:#SelfSubjectRulesReviewSpec' },
  SelfSubjectRulesReviewSpec: { 1: 'namespace:text' },
  SubjectAccessReview: { 1: 'metadata:#ObjectMeta', 2: 'spec:#SubjectAccessReviewSpec' },
  SubjectAccessReviewSpec: {
    1: 'resourceAttributes:#ResourceAttributes',
    2: 'nonResourceAttributes:#NonResourceAttributes',
    3: 'user:text',
    4: 'groups:*text',
  },
  SelfSubjectReview: { 1: 'metadata:#ObjectMeta', 2: 'status:ignored' },
};

const access: Readonly<Record<string, MessageFields>> = {
  ServiceAccount: {
    1: 'metadata:#ObjectMeta',
    2: 'secrets:*#ObjectName',
    3: 'imagePullSecrets:*#LocalObjectName',
    4: 'automountServiceAccountToken:optionalBool',
  },
  ObjectName: { 3: 'name:text' },
  LocalObjectName: { 1: 'name:text' },
  TokenRequest: { 1: 'metadata:#ObjectMeta', 2: 'spec:#TokenRequestSpec', 3: 'status:ignored' },
  TokenRequestSpec: {
    1: 'audiences:*text',
    3: 'boundObjectRef:#BoundObject',
    4: 'expirationSeconds:optionalInt',
  },
  BoundObject: { 1: 'kind:text', 2: 'apiVersion:text', 3: 'name:text', 4: 'uid:text' },
  Role: { 1: 'metadata:#ObjectMeta', 2: 'rules:*#PolicyRule' },
  ClusterRole: { 1: 'metadata:#ObjectMeta', 2: 'rules:*#PolicyRule' },
  PolicyRule: {
    1: 'verbs:*text',
    2: 'apiGroups:*text',
    3: 'resources:*text',
    4: 'resourceNames:*text',
    5: 'nonResourceURLs:*text',
  },
  RoleBinding: { 1: 'metadata:#ObjectMeta', 2: 'subjects:*#Subject', 3: 'roleRef:#RoleRef' },
  ClusterRoleBinding: { 1: 'metadata:#ObjectMeta', 2: 'subjects:*#Subject', 3: 'roleRef:#RoleRef' },
  Subject: { 1: 'kind:text', 2: 'apiGroup:text', 3: 'name:text', 4: 'namespace:text' },
  RoleRef: { 1: 'apiGroup:text', 2: 'kind:text', 3: 'name:text' },
};

export const messages: Readonly<Record<string, MessageFields>> = {
  ...meta,
  ...core,
  ...apps,
  ...others,
  ...access,
};
