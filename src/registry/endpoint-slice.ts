/** EndpointSlices: their defaults and rules (pkg/apis/discovery, Kubernetes 1.36). */
import {
  dnsLabelProblems,
  dnsSubdomainProblems,
  endpointSliceKind,
  qualifiedNameProblems,
  type EndpointSlice,
  type SliceEndpoint,
  type SlicePort,
} from '../kube/index.ts';
import { familyOf, parseIp } from '../model/index.ts';
import { loopback, notAnAddress, specialAddressProblems } from './addresses.ts';
import type { Problems } from './problems.ts';
import { protocols } from './service-validation.ts';
import { endpointSliceShape } from './shapes.ts';
import type { Strategy } from './strategy.ts';

const addressTypes: readonly string[] = ['FQDN', 'IPv4', 'IPv6'];
const maxAddresses = 100;
const maxPorts = 20_000;
const maxEndpoints = 1_000;

export interface EndpointSliceRules {
  /** The real API server refuses them; what runs on a laptop is there. */
  readonly allowLoopback: boolean;
}

export function createEndpointSliceStrategy(rules: EndpointSliceRules): Strategy<EndpointSlice> {
  return {
    kind: endpointSliceKind,
    shape: endpointSliceShape,
    nameProblems: dnsSubdomainProblems,
    complete: (slice) => ({
      ...slice,
      endpoints: slice.endpoints?.map((endpoint) => ({ conditions: {}, ...endpoint })) ?? null,
      ports: slice.ports?.map((port) => ({ name: '', protocol: 'TCP', ...port })) ?? null,
    }),
    validate: (slice, stored, problems) => validateSlice(slice, { stored, rules, problems }),
    initialStatus: (slice) => slice,
  };
}

interface Context {
  readonly stored: EndpointSlice | undefined;
  readonly rules: EndpointSliceRules;
  readonly problems: Problems;
}

function validateSlice(slice: EndpointSlice, context: Context): void {
  const { stored, problems } = context;
  const { addressType } = slice;
  if (addressType === '') problems.required('addressType');
  else if (!addressTypes.includes(addressType)) {
    problems.notSupported('addressType', addressType, addressTypes);
  }
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > maxEndpoints) {
    problems.tooMany('endpoints', endpoints.length, maxEndpoints);
  } else {
    for (const [i, endpoint] of endpoints.entries()) {
      validateEndpoint(endpoint, { ...context, addressType, field: `endpoints[${i}]` });
    }
  }
  validatePorts(slice.ports ?? [], problems);
  if (stored !== undefined && stored.addressType !== slice.addressType) {
    problems.invalid('addressType', slice.addressType, 'field is immutable');
  }
}

interface EndpointContext extends Context {
  readonly addressType: string;
  readonly field: string;
}

function validateEndpoint(endpoint: SliceEndpoint, context: EndpointContext): void {
  const { field, problems } = context;
  const { addresses } = endpoint;
  if (addresses.length === 0) {
    problems.required(`${field}.addresses`, 'must contain at least 1 address');
  } else if (addresses.length > maxAddresses) {
    problems.tooMany(`${field}.addresses`, addresses.length, maxAddresses);
  }
  for (const [i, address] of addresses.entries()) validateAddress(address, i, context);
  if (endpoint.hostname !== undefined) {
    const { hostname } = endpoint;
    problems.invalidEach(`${field}.hostname`, hostname, dnsLabelProblems(hostname));
  }
}

function validateAddress(address: string, index: number, context: EndpointContext): void {
  const { addressType, field, rules, problems } = context;
  const at = `${field}.addresses[${index}]`;
  if (addressType === 'FQDN') {
    problems.invalidEach(at, address, dnsSubdomainProblems(address.replace(/\.$/, '')));
    return;
  }
  if (addressType !== 'IPv4' && addressType !== 'IPv6') return;
  if (parseIp(address) === undefined) {
    problems.invalid(at, address, notAnAddress);
  } else if (familyOf(address) !== addressType) {
    problems.invalid(`${field}.addresses`, address, `must be an ${addressType} address`);
  } else {
    const reasons = specialAddressProblems(address);
    const counted = rules.allowLoopback ? reasons.filter((why) => why !== loopback) : reasons;
    problems.invalidEach(at, address, counted);
  }
}

function validatePorts(ports: readonly SlicePort[], problems: Problems): void {
  if (ports.length > maxPorts) {
    problems.tooMany('ports', ports.length, maxPorts);
    return;
  }
  const names = new Set<string>();
  for (const [i, { name = '', protocol = '', appProtocol }] of ports.entries()) {
    const field = `ports[${i}]`;
    if (name !== '') problems.invalidEach(`${field}.name`, name, dnsLabelProblems(name));
    if (names.has(name)) problems.duplicate(`${field}.name`, name);
    names.add(name);
    if (!protocols.includes(protocol)) {
      problems.notSupported(`${field}.protocol`, protocol, protocols);
    }
    if (appProtocol !== undefined) {
      problems.invalidEach(`${field}.appProtocol`, appProtocol, qualifiedNameProblems(appProtocol));
    }
  }
}
