/** The definitions of events.v1, one a line; written by `npm run schemas`, read by definitions.ts. */
export const eventsV1 = `\
Event {"f":{"action":"string","apiVersion":"string","deprecatedCount":"integer:int32","deprecatedFirstTimestamp":"#meta.v1.Time","deprecatedLastTimestamp":"#meta.v1.Time","deprecatedSource":"#core.v1.EventSource","eventTime":"#meta.v1.MicroTime","kind":"string","metadata":"#meta.v1.ObjectMeta","note":"string","reason":"string","regarding":"#core.v1.ObjectReference","related":"#core.v1.ObjectReference","reportingController":"string","reportingInstance":"string","series":"#events.v1.EventSeries","type":"string"},"q":["eventTime"]} ["events.k8s.io","v1","Event"]
EventSeries {"f":{"count":"integer:int32","lastObservedTime":"#meta.v1.MicroTime"},"q":["count","lastObservedTime"]}
`;
