/** The definitions of rbac.v1, one a line; written by `npm run schemas`, read by definitions.ts. */
export const rbacV1 = `\
ClusterRole {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","rules":{"l":"#rbac.v1.PolicyRule"}}} ["rbac.authorization.k8s.io","v1","ClusterRole"]
ClusterRoleBinding {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","roleRef":"#rbac.v1.RoleRef","subjects":{"l":"#rbac.v1.Subject"}},"q":["roleRef"]} ["rbac.authorization.k8s.io","v1","ClusterRoleBinding"]
PolicyRule {"f":{"apiGroups":{"l":"string"},"nonResourceURLs":{"l":"string"},"resourceNames":{"l":"string"},"resources":{"l":"string"},"verbs":{"l":"string"}},"q":["verbs"]}
Role {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","rules":{"l":"#rbac.v1.PolicyRule"}}} ["rbac.authorization.k8s.io","v1","Role"]
RoleBinding {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","roleRef":"#rbac.v1.RoleRef","subjects":{"l":"#rbac.v1.Subject"}},"q":["roleRef"]} ["rbac.authorization.k8s.io","v1","RoleBinding"]
RoleRef {"f":{"apiGroup":"string","kind":"string","name":"string"},"q":["apiGroup","kind","name"],"a":1}
Subject {"f":{"apiGroup":"string","kind":"string","name":"string","namespace":"string"},"q":["kind","name"],"a":1}
`;
