/** The definitions of coordination.v1, one a line; written by `npm run schemas`, read by definitions.ts. */
export const coordinationV1 = `\
Lease {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","spec":"#coordination.v1.LeaseSpec"}} ["coordination.k8s.io","v1","Lease"]
LeaseSpec {"f":{"acquireTime":"#meta.v1.MicroTime","holderIdentity":"string","leaseDurationSeconds":"integer:int32","leaseTransitions":"integer:int32","preferredHolder":"string","renewTime":"#meta.v1.MicroTime","strategy":"string"}}
`;
