/** A world that was patched answers as one made anew from the same objects, through every cache on the way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { encodeMessage } from '../codec/dns/index.ts';
import type { EndpointSlice, Service } from '../kube/index.ts';
import { DnsCounters } from './counters.ts';
import { Responder } from './responder.ts';
import { reverseNameOf } from './reverse-name.ts';
import { testNamespace, testService, testSlice } from './testing.ts';
import { defaultZone, MutableWorld } from './world.ts';

const services = ['a', 'b'] as const;
const ips = ['10.1.0.1', '10.1.0.2', 'fd00::3'] as const;
const specs = [
  { clusterIP: '10.96.0.1', ports: [{ name: 'x', port: 80 }] },
  { clusterIP: 'None', ports: [{ name: 'x', port: 80 }] },
  { type: 'ExternalName', externalName: 'b.default.svc.cluster.local' },
];

type Change =
  | { readonly kind: 'service'; readonly name: string; readonly spec: number | undefined }
  | {
      readonly kind: 'slice';
      readonly name: string;
      readonly owner: string;
      readonly endpoints: readonly (readonly [ip: string, ready: boolean])[] | undefined;
    };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant('service' as const),
    name: fc.constantFrom(...services),
    spec: fc.option(fc.nat(2), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('slice' as const),
    name: fc.constantFrom('one', 'two'),
    owner: fc.constantFrom(...services),
    endpoints: fc.option(
      fc.array(fc.tuple(fc.constantFrom(...ips), fc.boolean()), { maxLength: 3 }),
      {
        nil: undefined,
      },
    ),
  }),
);

const questions = [
  ...services.flatMap((name) =>
    ['', '_x._tcp.', '10-1-0-1.', 'fd00--3.'].flatMap((below) =>
      [1, 28, 33, 5].map((type) => [`${below}${name}.default.svc.cluster.local`, type] as const),
    ),
  ),
  ...[...ips, '10.96.0.1'].map((ip) => [reverseNameOf(ip) ?? '', 12] as const),
].map(([name, type]) =>
  Buffer.from(
    encodeMessage({
      id: 1,
      flags: 0,
      questions: [{ name, type, class: 1 }],
      answers: [],
      authorities: [],
      additionals: [],
    }),
  ),
);

function emptyWorld(): MutableWorld {
  const world = new MutableWorld(defaultZone, () => 1_000);
  world.replaceServices([]);
  world.replaceSlices([]);
  world.replacePods([]);
  world.replaceNamespaces([testNamespace('default')]);
  return world;
}

function answersOf(responder: Responder): readonly string[] {
  return questions.map((question) => {
    const answer = responder.respond(question, 'tcp');
    assert.ok(answer !== undefined && !(answer instanceof Promise));
    return fields(Buffer.from(answer));
  });
}

/** Rotation is by turns: what counts is which records there are, so bytes are compared sorted. */
function fields(answer: Buffer): string {
  return `${answer.length} ${answer.readUInt16BE(2)} ${answer.readUInt16BE(6)} ${[...answer].toSorted((a, b) => a - b).join(' ')}`;
}

test('patched and made anew answer the same', () => {
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
      const patched = emptyWorld();
      const responder = new Responder({
        world: patched,
        elsewhere: undefined,
        counters: new DnsCounters(),
      });
      const haveServices = new Map<string, Service>();
      const haveSlices = new Map<string, EndpointSlice>();
      for (const next of changes) {
        apply(patched, next, { haveServices, haveSlices });
        const fresh = emptyWorld();
        fresh.replaceServices([...haveServices.values()]);
        fresh.replaceSlices([...haveSlices.values()]);
        const anew = new Responder({
          world: fresh,
          elsewhere: undefined,
          counters: new DnsCounters(),
        });
        // Twice: the second time from what was kept of the first.
        for (let i = 0; i < 2; i++) assert.deepEqual(answersOf(responder), answersOf(anew));
      }
    }),
    { numRuns: 150 },
  );
});

interface Have {
  readonly haveServices: Map<string, Service>;
  readonly haveSlices: Map<string, EndpointSlice>;
}

function apply(world: MutableWorld, next: Change, { haveServices, haveSlices }: Have): void {
  if (next.kind === 'service') {
    const before = haveServices.get(next.name);
    if (next.spec !== undefined) {
      const service = testService(next.name, specs[next.spec]!);
      haveServices.set(next.name, service);
      world.setService(service);
    } else if (before !== undefined) {
      haveServices.delete(next.name);
      world.removeService(before);
    }
    return;
  }
  const key = `${next.owner}-${next.name}`;
  const before = haveSlices.get(key);
  if (next.endpoints !== undefined) {
    const endpoints = next.endpoints.map(([address, ready]) => ({ address, ready }));
    const slice = testSlice(next.owner, endpoints, { name: key });
    haveSlices.set(key, slice);
    world.setSlice(slice);
  } else if (before !== undefined) {
    haveSlices.delete(key);
    world.removeSlice(before);
  }
}
