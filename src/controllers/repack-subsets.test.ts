/** Subsets as Kubernetes' endpoints.RepackSubsets packs them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import type { EndpointPort } from '../kube/index.ts';
import { repackSubsets, type Offer, type PackedSubset } from './repack-subsets.ts';

function offer(
  host: string,
  isReady: boolean,
  ...ports: readonly (readonly [string, number])[]
): Offer {
  const [ip = '', uid] = host.split('#');
  return {
    address: { ip, ...(uid === undefined ? {} : { targetRef: { uid } }) },
    isReady,
    ports: ports.map(([name, port]) => ({ name, port, protocol: 'TCP' })),
  };
}

const portText = ({ name = '', port }: EndpointPort): string => `${name}:${port}`;
const hostText = ({ ip, targetRef }: Offer['address']): string =>
  targetRef?.uid === undefined ? ip : `${ip}#${targetRef.uid}`;

/** `ports | ready | not ready` */
function textOf({ ports, ready, notReady }: PackedSubset): string {
  const parts = [ports.map(portText), ready.map(hostText), notReady.map(hostText)];
  return parts.map((part) => part.join(' ')).join(' | ');
}

const http = ['http', 80] as const;
const cases: Readonly<Record<string, { offers: readonly Offer[]; want: readonly string[] }>> = {
  nothing: { offers: [], want: [] },
  'the same ports are one subset, hosts and ports in order': {
    offers: [offer('10.0.0.2', true, ['x', 90], http), offer('10.0.0.1', true, http, ['x', 90])],
    want: ['http:80 x:90 | 10.0.0.1 10.0.0.2 | '],
  },
  'a port that all offer is one subset, those that differ are others': {
    offers: [offer('10.0.0.1', true, http, ['x', 90]), offer('10.0.0.2', true, http, ['x', 91])],
    want: ['http:80 | 10.0.0.1 10.0.0.2 | ', 'x:90 | 10.0.0.1 | ', 'x:91 | 10.0.0.2 | '],
  },
  'ready and not ready are in one subset': {
    offers: [offer('10.0.0.2', false, http), offer('10.0.0.1', true, http)],
    want: ['http:80 | 10.0.0.1 | 10.0.0.2'],
  },
  'the same hosts, one of them not ready for one port': {
    offers: [
      offer('10.0.0.1', true, http),
      offer('10.0.0.2', true, http, ['x', 90]),
      offer('10.0.0.1', false, ['x', 90]),
    ],
    want: ['http:80 | 10.0.0.1 10.0.0.2 | ', 'x:90 | 10.0.0.2 | 10.0.0.1'],
  },
  'said twice of one port, not ready counts': {
    offers: [offer('10.0.0.1', false, http), offer('10.0.0.1', true, http)],
    want: ['http:80 |  | 10.0.0.1'],
  },
  'one address of two Pods is two hosts': {
    offers: [offer('10.0.0.1#b', true, http), offer('10.0.0.1#a', true, http)],
    want: ['http:80 | 10.0.0.1#a 10.0.0.1#b | '],
  },
  'hosts without ports are kept': {
    offers: [offer('10.0.0.1', true), offer('10.0.0.2', false)],
    want: [' | 10.0.0.1 | 10.0.0.2'],
  },
  'and share their subset with the ports that the same hosts offer': {
    offers: [offer('10.0.0.1', true), offer('10.0.0.1', true, http)],
    want: ['http:80 | 10.0.0.1 | '],
  },
};
for (const [name, { offers, want }] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(repackSubsets(offers).map(textOf), want));
}

const offers = fc.array(
  fc
    .record({
      n: fc.integer({ min: 1, max: 6 }),
      isReady: fc.boolean(),
      ports: fc.uniqueArray(fc.constantFrom(80, 81, 82, 443), { minLength: 1 }),
    })
    .map(({ n, isReady, ports }) =>
      offer(`10.0.0.${n}`, isReady, ...ports.map((port) => [`p${port % 3}`, port] as const)),
    ),
  { maxLength: 12 },
);

/** One line a port and host. */
function naive(all: readonly Offer[]): readonly string[] {
  const lines = new Map<string, boolean>();
  for (const { address, isReady, ports } of all) {
    for (const port of ports) {
      const key = `${portText(port)} ${hostText(address)}`;
      lines.set(key, isReady && (lines.get(key) ?? true));
    }
  }
  return [...lines].map(([key, isReady]) => `${key} ${isReady}`).toSorted();
}

test('the same ports and hosts as in the naive model, in any order, and as few subsets as can be', () => {
  fc.assert(
    fc.property(offers, fc.infiniteStream(fc.nat()), (all, order) => {
      const packed = repackSubsets(all);
      const lines = packed.flatMap(({ ports, ready, notReady }) =>
        ports.flatMap((port) => [
          ...ready.map((host) => `${portText(port)} ${hostText(host)} true`),
          ...notReady.map((host) => `${portText(port)} ${hostText(host)} false`),
        ]),
      );
      assert.deepEqual(lines.toSorted(), naive(all));
      const ports = packed.flatMap((subset) => subset.ports.map(portText));
      assert.equal(new Set(ports).size, ports.length, 'each port once');
      const hosts = packed.map(({ ready, notReady }) =>
        JSON.stringify([ready.map(hostText), notReady.map(hostText)]),
      );
      assert.equal(new Set(hosts).size, hosts.length, 'each set of hosts once');
      const keyed = all.map((each) => [order.next().value ?? 0, each] as const);
      const shuffled = keyed.toSorted(([a], [b]) => a - b).map(([, each]) => each);
      assert.deepEqual(repackSubsets(shuffled).map(textOf), packed.map(textOf));
    }),
    { numRuns: 300 },
  );
});
