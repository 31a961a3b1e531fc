/** The steps of a request's way, in words; codes stay the same when their words change. */
import type { RequestStepView } from './explain-request.ts';

export const requestSentences: Readonly<Record<RequestStepView['code'], string>> = {
  'host-unknown': 'The host {authority} is no Service of this cluster, and no address of one',
  'connection-refused': 'A connection to {at} is not forwarded: {why}',
  entered:
    'Its connection enters at {at}, which is {server}; its traffic policy allows pool {pool}',
  'by-connection':
    '{server} balances connections: all requests of one go where it goes. To balance each request, annotate the Service with balance: request, and name the port http or grpc, or set its appProtocol',
  'gateway-not-live':
    '{server} asks for each request to be balanced, and its connections are, since its gateway is not live: {why}. switchyard explain service says what to do',
  'gateway-lacks':
    'The gateway of {server} serves it, and something is wrong all the same: {what}. switchyard explain service says what to do',
  'route-matched': 'The route {route} is for it',
  'route-unknown': 'No route is for {authority}{path}',
  'target-drawn':
    'Among the targets of the route {backend} was drawn, with weight {weight} of {total}',
  'target-held': 'Of the targets of the route, {backend} has the session of this client',
  'session-held': 'Its cookie {cookie} holds it to {address}:{port}',
  'session-old':
    'Its cookie {cookie} holds it to {address}:{port}, by the key before the newest: a new one is sent',
  'session-unknown':
    'Its cookie {cookie} names no endpoint that serves: it is forged, too old, or its endpoint is gone. A new one is sent',
  'session-absent': 'It has no cookie {cookie}: one is sent with the answer',
  'endpoints-missing':
    'Nobody takes new requests: {candidates} endpoints of {backend} are in use, none with a weight',
  'hash-key':
    'The endpoint is found by the hash of {by}, here "{key}", with at most {bound} times the mean load',
  'hash-key-absent': 'It has no {by} to hash: the scheduler chooses',
  candidates:
    'One of {candidates} endpoints gets it; where nothing above decides, {scheduler} chooses',
};
