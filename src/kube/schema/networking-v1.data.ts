/** The definitions of networking.v1, one a line; written by `npm run schemas`, read by definitions.ts. */
export const networkingV1 = `\
HTTPIngressPath {"f":{"backend":"#networking.v1.IngressBackend","path":"string","pathType":"string"},"q":["pathType","backend"]}
HTTPIngressRuleValue {"f":{"paths":{"l":"#networking.v1.HTTPIngressPath"}},"q":["paths"]}
IPAddress {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","spec":"#networking.v1.IPAddressSpec"},"q":["spec"]} ["networking.k8s.io","v1","IPAddress"]
IPAddressSpec {"f":{"parentRef":"#networking.v1.ParentReference"},"q":["parentRef"]}
Ingress {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","spec":"#networking.v1.IngressSpec","status":"#networking.v1.IngressStatus"}} ["networking.k8s.io","v1","Ingress"]
IngressBackend {"f":{"resource":"#core.v1.TypedLocalObjectReference","service":"#networking.v1.IngressServiceBackend"}}
IngressClass {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","spec":"#networking.v1.IngressClassSpec"}} ["networking.k8s.io","v1","IngressClass"]
IngressClassParametersReference {"f":{"apiGroup":"string","kind":"string","name":"string","namespace":"string","scope":"string"},"q":["kind","name"]}
IngressClassSpec {"f":{"controller":"string","parameters":"#networking.v1.IngressClassParametersReference"}}
IngressLoadBalancerIngress {"f":{"hostname":"string","ip":"string","ports":{"l":"#networking.v1.IngressPortStatus"}}}
IngressLoadBalancerStatus {"f":{"ingress":{"l":"#networking.v1.IngressLoadBalancerIngress"}}}
IngressPortStatus {"f":{"error":"string","port":"integer:int32","protocol":"string"},"q":["port","protocol"]}
IngressRule {"f":{"host":"string","http":"#networking.v1.HTTPIngressRuleValue"}}
IngressServiceBackend {"f":{"name":"string","port":"#networking.v1.ServiceBackendPort"},"q":["name"]}
IngressSpec {"f":{"defaultBackend":"#networking.v1.IngressBackend","ingressClassName":"string","rules":{"l":"#networking.v1.IngressRule"},"tls":{"l":"#networking.v1.IngressTLS"}}}
IngressStatus {"f":{"loadBalancer":"#networking.v1.IngressLoadBalancerStatus"}}
IngressTLS {"f":{"hosts":{"l":"string"},"secretName":"string"}}
ParentReference {"f":{"group":"string","name":"string","namespace":"string","resource":"string"},"q":["resource","name"]}
ServiceBackendPort {"f":{"name":"string","number":"integer:int32"},"a":1}
ServiceCIDR {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","spec":"#networking.v1.ServiceCIDRSpec","status":"#networking.v1.ServiceCIDRStatus"}} ["networking.k8s.io","v1","ServiceCIDR"]
ServiceCIDRSpec {"f":{"cidrs":{"l":"string"}}}
ServiceCIDRStatus {"f":{"conditions":{"l":"#meta.v1.Condition","t":"map","k":["type"],"s":"merge","m":"type"}}}
`;
