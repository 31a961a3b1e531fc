/** Endpoints: their defaults and rules (ValidateEndpoints, Kubernetes 1.36). */
import {
  dnsLabelProblems,
  dnsSubdomainProblems,
  endpointsKind,
  qualifiedNameProblems,
  type EndpointAddress,
  type EndpointPort,
  type Endpoints,
} from '../kube/index.ts';
import { parseIp } from '../model/index.ts';
import { loopback, notAnAddress, specialAddressProblems } from './addresses.ts';
import type { EndpointSliceRules } from './endpoint-slice.ts';
import type { Problems } from './problems.ts';
import { endpointsShape } from './service-network-shapes.ts';
import { protocols, validatePortNumber } from './service-validation.ts';
import type { Strategy } from './strategy.ts';

export function createEndpointsStrategy(rules: EndpointSliceRules): Strategy<Endpoints> {
  return {
    kind: endpointsKind,
    shape: endpointsShape,
    nameProblems: dnsSubdomainProblems,
    complete: (endpoints) => {
      const { subsets } = endpoints;
      if (subsets === undefined) return endpoints;
      return {
        ...endpoints,
        subsets: subsets.map((subset) => ({
          ...subset,
          ...(subset.ports === undefined
            ? {}
            : { ports: subset.ports.map((port) => ({ protocol: 'TCP', ...port })) }),
        })),
      };
    },
    validate: ({ subsets = [] }, _stored, problems) => {
      for (const [i, subset] of subsets.entries()) {
        const at = `subsets[${i}]`;
        const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
        if (addresses.length + notReadyAddresses.length === 0) {
          problems.required(at, 'must specify `addresses` or `notReadyAddresses`');
        }
        for (const [name, list] of Object.entries({ addresses, notReadyAddresses })) {
          for (const [n, address] of list.entries()) {
            validateAddress(address, { at: `${at}.${name}[${n}]`, rules, problems });
          }
        }
        for (const [n, port] of ports.entries()) {
          validatePort(port, { at: `${at}.ports[${n}]`, needsName: ports.length > 1, problems });
        }
      }
    },
    initialStatus: (endpoints) => endpoints,
  };
}

function validateAddress(
  { ip, hostname = '', nodeName }: EndpointAddress,
  context: {
    readonly at: string;
    readonly rules: EndpointSliceRules;
    readonly problems: Problems;
  },
): void {
  const { at, rules, problems } = context;
  if (parseIp(ip) === undefined) problems.invalid(`${at}.ip`, ip, notAnAddress);
  if (hostname !== '') {
    problems.invalidEach(`${at}.hostname`, hostname, dnsLabelProblems(hostname));
  }
  if (nodeName !== undefined) {
    problems.invalidEach(`${at}.nodeName`, nodeName, dnsSubdomainProblems(nodeName));
  }
  const special = specialAddressProblems(ip);
  const counted = rules.allowLoopback ? special.filter((why) => why !== loopback) : special;
  problems.invalidEach(`${at}.ip`, ip, counted);
}

function validatePort(
  { name = '', port, protocol = '', appProtocol }: EndpointPort,
  context: { readonly at: string; readonly needsName: boolean; readonly problems: Problems },
): void {
  const { at, needsName, problems } = context;
  if (name === '') {
    if (needsName) problems.required(`${at}.name`);
  } else {
    problems.invalidEach(`${at}.name`, name, dnsLabelProblems(name));
  }
  validatePortNumber(`${at}.port`, port, problems);
  if (protocol === '') problems.required(`${at}.protocol`);
  else if (!protocols.includes(protocol)) {
    problems.notSupported(`${at}.protocol`, protocol, protocols);
  }
  if (appProtocol !== undefined) {
    problems.invalidEach(`${at}.appProtocol`, appProtocol, qualifiedNameProblems(appProtocol));
  }
}
