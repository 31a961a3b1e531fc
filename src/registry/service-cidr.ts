/**
 * ServiceCIDRs: the ranges that Services take their addresses from. An instance has the one called `kubernetes`,
 * made at its start; others are looked after by service-ranges.ts.
 */
import {
  apiVersionOf,
  dnsSubdomainProblems,
  finalizers,
  serviceCidrKind,
  type Condition,
  type ServiceCidr,
} from '../kube/index.ts';
import { addressInRange, familyOf, parseCidr, type Cidr } from '../model/index.ts';
import { notARange } from './addresses.ts';
import type { Problems } from './problems.ts';
import { serviceCidrShape } from './service-network-shapes.ts';
import type { Strategy } from './strategy.ts';

const ownRangeName = 'kubernetes';
const immutable = 'field is immutable';

export const serviceCidrStrategy: Strategy<ServiceCidr> = {
  kind: serviceCidrKind,
  shape: serviceCidrShape,
  nameProblems: dnsSubdomainProblems,
  complete: (range) => range,
  validate: ({ spec }, stored, problems) => {
    const cidrs = spec?.cidrs ?? [];
    validateRanges(cidrs, problems);
    if (stored !== undefined) validateChange(cidrs, stored.spec?.cidrs ?? [], problems);
  },
  initialStatus: ({ status: _given, ...range }) => range,
};

export const rangeReady: Condition = {
  type: 'Ready',
  status: 'True',
  message: 'Kubernetes Service CIDR is ready',
  reason: '',
};

/** The range made at start. As the real one it is kept by its finalizer, whoever deletes it. */
export function ownServiceCidr(cidrs: readonly string[]): ServiceCidr {
  return {
    apiVersion: apiVersionOf(serviceCidrKind),
    kind: 'ServiceCIDR',
    metadata: { name: ownRangeName, finalizers: [finalizers.serviceCidr] },
    spec: { cidrs },
    status: { conditions: [rangeReady] },
  };
}

/** The condition of a range that is deleted while Services hold its addresses. */
export const rangeInUse: Condition = {
  type: 'Ready',
  status: 'False',
  reason: 'Terminating',
  message:
    'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
};

function validateRanges(cidrs: readonly string[], problems: Problems): void {
  const field = 'spec.cidrs';
  if (cidrs.length === 0) {
    problems.required(field, 'at least one CIDR required');
    return;
  }
  if (cidrs.length > 2) {
    problems.invalid(field, cidrs, 'may only hold up to 2 values');
    return;
  }
  const families = cidrs.map((cidr) => familyOf(cidr.split('/')[0] ?? ''));
  if (families.length === 2 && families[0] === families[1]) {
    const why =
      'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
    problems.invalid(field, cidrs, why);
  }
  for (const [i, text] of cidrs.entries()) {
    const cidr = parseCidr(text);
    if (cidr === undefined) problems.invalid(`${field}[${i}]`, text, notARange);
    else if (canonical(cidr) !== text) {
      const why = `must be in canonical form ("${canonical(cidr)}")`;
      problems.invalid(`${field}[${i}]`, text, why);
    }
  }
}

function canonical(cidr: Cidr): string {
  return `${addressInRange(cidr, 0)}/${cidr.prefix}`;
}

/** A second range may come; the first stays for life. */
function validateChange(
  after: readonly string[],
  before: readonly string[],
  problems: Problems,
): void {
  if (after.length < before.length) problems.invalid('spec.cidrs', after, immutable);
  for (const [i, cidr] of before.entries()) {
    const now = after[i];
    if (now !== undefined && now !== cidr) problems.invalid(`spec.cidrs[${i}]`, now, immutable);
  }
}
