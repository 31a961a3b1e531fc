/** The definitions of meta.v1, one a line; written by `npm run schemas`, read by definitions.ts. */
export const metaV1 = `\
Quantity "quantity"
Condition {"f":{"lastTransitionTime":"#meta.v1.Time","message":"string","observedGeneration":"integer:int64","reason":"string","status":"string","type":"string"},"q":["type","status","lastTransitionTime","reason","message"]}
FieldsV1 "any"
LabelSelector {"f":{"matchExpressions":{"l":"#meta.v1.LabelSelectorRequirement"},"matchLabels":{"v":"string"}},"a":1}
LabelSelectorRequirement {"f":{"key":"string","operator":"string","values":{"l":"string"}},"q":["key","operator"]}
ManagedFieldsEntry {"f":{"apiVersion":"string","fieldsType":"string","fieldsV1":"#meta.v1.FieldsV1","manager":"string","operation":"string","subresource":"string","time":"#meta.v1.Time"}}
MicroTime "string:date-time"
ObjectMeta {"f":{"annotations":{"v":"string"},"creationTimestamp":"#meta.v1.Time","deletionGracePeriodSeconds":"integer:int64","deletionTimestamp":"#meta.v1.Time","finalizers":{"l":"string","t":"set","s":"merge"},"generateName":"string","generation":"integer:int64","labels":{"v":"string"},"managedFields":{"l":"#meta.v1.ManagedFieldsEntry"},"name":"string","namespace":"string","ownerReferences":{"l":"#meta.v1.OwnerReference","t":"map","k":["uid"],"s":"merge","m":"uid"},"resourceVersion":"string","selfLink":"string","uid":"string"}}
OwnerReference {"f":{"apiVersion":"string","blockOwnerDeletion":"boolean","controller":"boolean","kind":"string","name":"string","uid":"string"},"q":["apiVersion","kind","name","uid"],"a":1}
Time "string:date-time"
RawExtension "any"
IntOrString "intOrString"
`;
