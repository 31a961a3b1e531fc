/** IPAddresses: each stands for one address that is given out, to a Service or to whoever wants it kept free. */
import {
  dnsSubdomainProblems,
  ipAddressKind,
  jsonEqual,
  pathSegmentProblems,
  type IpAddress,
  type ObjectClient,
} from '../kube/index.ts';
import { canonicalIp } from '../model/index.ts';
import type { AddressRanges } from './address-ranges.ts';
import { ClaimWork } from './claim-work.ts';
import { ipAddressShape } from './service-network-shapes.ts';
import type { Strategy } from './strategy.ts';

const immutable = 'field is immutable';

/** The rules without the ranges. */
export const ipAddressRules: Strategy<IpAddress> = {
  kind: ipAddressKind,
  shape: ipAddressShape,
  nameProblems: (name) => {
    const canonical = canonicalIp(name);
    if (canonical === undefined) return [`ParseAddr(${JSON.stringify(name)}): unable to parse IP`];
    return canonical === name ? [] : ['must be a canonical format IP address'];
  },
  complete: (address) => address,
  validate: ({ spec }, stored, problems) => {
    const parent = spec?.parentRef;
    const at = 'spec.parentRef';
    if (parent === undefined) {
      problems.required(at);
      return;
    }
    const { group = '', resource, name, namespace = '' } = parent;
    if (group !== '') problems.invalidEach(`${at}.group`, group, dnsSubdomainProblems(group));
    if (resource === '') problems.required(`${at}.resource`);
    else problems.invalidEach(`${at}.resource`, resource, pathSegmentProblems(resource));
    if (name === '') problems.required(`${at}.name`);
    else problems.invalidEach(`${at}.name`, name, pathSegmentProblems(name));
    if (namespace !== '') {
      problems.invalidEach(`${at}.namespace`, namespace, pathSegmentProblems(namespace));
    }
    if (stored !== undefined && !jsonEqual(stored.spec?.parentRef, parent)) {
      problems.invalid(at, parent, immutable);
    }
  },
  initialStatus: (address) => address,
};

export interface IpAddressContext {
  readonly ranges: AddressRanges;
  readonly store: ObjectClient;
}

const ownerOf = ({ metadata }: IpAddress): string => `ipaddresses/${metadata.name}`;

/** Somebody keeps an address: Services are not given it. */
export function keepAddress(object: IpAddress, ranges: AddressRanges): ClaimWork {
  const work = new ClaimWork(ownerOf(object), undefined);
  ranges.keep(object.metadata.name, work);
  return work;
}

export function createIpAddressStrategy(context: IpAddressContext): Strategy<IpAddress> {
  const { ranges, store } = context;
  return {
    ...ipAddressRules,
    allocate: (object, stored) => {
      const work = stored === undefined ? keepAddress(object, ranges) : undefined;
      return { object, commit: () => undefined, revert: () => work?.revert() };
    },
    release: (object) => {
      for (const { from, item } of ranges.holdings([object.metadata.name])) {
        from.release(item, ownerOf(object));
      }
    },
    removed: async (object) => {
      const owner = ranges.ownerOf(object.metadata.name);
      if (owner === undefined) return;
      // The Service still has the address, so it has its IPAddress again.
      const { labels, annotations } = object.metadata;
      const metadata = {
        name: object.metadata.name,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
      };
      await store.create(ipAddressKind, { ...object, metadata });
    },
  };
}
