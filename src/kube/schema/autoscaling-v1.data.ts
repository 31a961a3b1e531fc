/** The definitions of autoscaling.v1, one a line; written by `npm run schemas`, read by definitions.ts. */
export const autoscalingV1 = `\
Scale {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","spec":"#autoscaling.v1.ScaleSpec","status":"#autoscaling.v1.ScaleStatus"}} ["autoscaling","v1","Scale"]
ScaleSpec {"f":{"replicas":"integer:int32"}}
ScaleStatus {"f":{"replicas":"integer:int32","selector":"string"},"q":["replicas"]}
`;
