/** The definitions of discovery.v1, one a line; written by `npm run schemas`, read by definitions.ts. */
export const discoveryV1 = `\
Endpoint {"f":{"addresses":{"l":"string","t":"set"},"conditions":"#discovery.v1.EndpointConditions","deprecatedTopology":{"v":"string"},"hints":"#discovery.v1.EndpointHints","hostname":"string","nodeName":"string","targetRef":"#core.v1.ObjectReference","zone":"string"},"q":["addresses"]}
EndpointConditions {"f":{"ready":"boolean","serving":"boolean","terminating":"boolean"}}
EndpointHints {"f":{"forNodes":{"l":"#discovery.v1.ForNode"},"forZones":{"l":"#discovery.v1.ForZone"}}}
EndpointPort {"f":{"appProtocol":"string","name":"string","port":"integer:int32","protocol":"string"},"a":1}
EndpointSlice {"f":{"addressType":"string","apiVersion":"string","endpoints":{"l":"#discovery.v1.Endpoint"},"kind":"string","metadata":"#meta.v1.ObjectMeta","ports":{"l":"#discovery.v1.EndpointPort"}},"q":["addressType"]} ["discovery.k8s.io","v1","EndpointSlice"]
ForNode {"f":{"name":"string"},"q":["name"]}
ForZone {"f":{"name":"string"},"q":["name"]}
`;
