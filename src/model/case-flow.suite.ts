/** The `flow` clause of a decision case: where a connection enters, whence it comes and where it goes. */
import type { IpFamily } from './address.ts';
import { isPlace, placeOf, podAddress } from './case-addresses.suite.ts';
import type { CaseEndpoint } from './case-endpoints.suite.ts';
import type { Entry, Flow } from './flow.ts';
import type { Protocol } from './service-port.ts';

export const servicePort = 80;
export const nodePort = 30_080;
const wrongPort = 4_444;

/** What the other clauses have said and a flow is read with. */
export interface FlowContext {
  readonly protocol: Protocol;
  readonly family: IpFamily;
  readonly endpoints: readonly CaseEndpoint[];
}

/** `ENTRY [SOURCE]`; a Pod that is no endpoint, the node's address or a client unless the source is said. */
export function sourceOf(from: string, draft: FlowContext): Pick<Flow, 'entry' | 'source'> {
  const [entry = '', source, ...more] = from.split(' ');
  if (!isEntry(entry)) throw unknown(entry, 'an entry');
  if (more.length > 0) throw unknown(more.join(' '), 'part of a source');
  const usual = { pod: 'other-pod', node: 'node-address', outside: 'client' } as const;
  const index = draft.endpoints.findIndex((e) => e.name === source);
  if (index >= 0) return { entry, source: podAddress(index + 1, draft.family) };
  const place = source ?? usual[entry];
  if (!isPlace(place)) throw unknown(place, 'a source');
  return { entry, source: placeOf(place, draft.family) };
}

function isEntry(word: string): word is Entry {
  return word === 'pod' || word === 'node' || word === 'outside';
}

/** `DESTINATION [wrong-port] [over PROTOCOL]`; the protocol is the ServicePort's unless another is said. */
export function destinationOf(
  to: string,
  draft: FlowContext,
): Pick<Flow, 'destination' | 'destinationPort' | 'protocol'> {
  const match = /^([\w-]+)( wrong-port)?(?: over (\w+))?$/.exec(to);
  if (match === null) throw unknown(to, 'a destination');
  const [, target = '', wrong, over = draft.protocol] = match;
  if (!isProtocol(over)) throw unknown(over, 'a protocol');
  const onNode = target === 'nodePort' || target === 'nodePort-elsewhere';
  const nodePlace = target === 'nodePort' ? 'node-address' : 'second-node-address';
  const place = onNode ? nodePlace : target;
  if (!isPlace(place)) throw unknown(target, 'a destination');
  const right = onNode ? nodePort : servicePort;
  return {
    destination: placeOf(place, draft.family),
    destinationPort: wrong === undefined ? right : wrongPort,
    protocol: over,
  };
}

export function isProtocol(word: string): word is Protocol {
  return word === 'TCP' || word === 'UDP' || word === 'SCTP';
}

export function unknown(word: string, kind: string): Error {
  return new Error(`"${word}" is not ${kind}`);
}
