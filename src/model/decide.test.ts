import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { familyOf } from './address.ts';
import { placeIsIn } from './case-addresses.suite.ts';
import { decide } from './decide.ts';
import { describeDecision, parseCases, whomItSees } from './decide-cases.suite.ts';

const folder = new URL('testdata/decide/', import.meta.url);
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .toSorted((a, b) => a.localeCompare(b));

/** What the table has to show at least once, so that no rule leaves it unnoticed. */
const wanted = {
  verdict: ['forward', 'reject', 'drop', 'pass'],
  'reject why': ['no-endpoints', 'port-not-served'],
  'drop why': ['no-local-endpoints', 'source-range', 'unallocated-address'],
  frontend: ['clusterIP', 'nodePort', 'loadBalancer', 'externalIP'],
  pool: ['pool cluster', 'pool local'],
  masquerade: ['masquerade always', 'masquerade hairpin'],
  transport: ['TCP/IPv4', 'UDP/IPv4', 'SCTP/IPv4', 'TCP/IPv6', 'UDP/IPv6', 'SCTP/IPv6'],
  entry: ['pod', 'node', 'outside'],
};

const table = files.map((file) => ({
  file,
  cases: parseCases(readFileSync(new URL(file, folder), 'utf8'), file),
}));

for (const { file, cases } of table) {
  describe(file, () => {
    for (const one of cases) {
      test(one.text, () => {
        const decision = decide(one.plan, one.flow);
        assert.equal(describeDecision(decision, one.names), one.verdict, `${file}:${one.line}`);
        for (const { endpoint, who } of one.sees) {
          const address = [...one.names].find(([, name]) => name === endpoint)?.[0];
          assert.equal(whomItSees(decision, one.flow, address), who, `${endpoint} sees`);
        }
      });
    }
  });
}

describe('the table', () => {
  test('has a case of everything a Decision can be', () => {
    const seen = new Set<string>();
    for (const { plan, flow } of table.flatMap(({ cases }) => cases)) {
      const decision = decide(plan, flow);
      seen.add(decision.kind);
      seen.add(flow.entry);
      seen.add(`${flow.protocol}/${familyOf(flow.destination)}`);
      if (decision.kind === 'reject' || decision.kind === 'drop') seen.add(decision.why);
      if (decision.kind !== 'forward') continue;
      seen.add(decision.frontend.kind);
      seen.add(`pool ${decision.pool}`);
      seen.add(`masquerade ${decision.masquerade}`);
    }
    assert.deepEqual(
      Object.values(wanted)
        .flat()
        .filter((word) => !seen.has(word)),
      [],
    );
  });

  test('has 450 cases or more, none twice in a file', () => {
    for (const { file, cases } of table) {
      assert.equal(new Set(cases.map((c) => c.text)).size, cases.length, file);
    }
    const count = table.reduce((sum, { cases }) => sum + cases.length, 0);
    assert.ok(count >= 450, `${count} cases`);
  });
});

const sentence = 'endpoints a ready; flow pod -> clusterIP: pass';

/** Sentences that must not be taken for a case, with what is wrong about them. */
const refused: Readonly<Record<string, RegExp>> = {
  'flow pod -> clusterIP: pass': /no word on endpoints/,
  'endpoints a ready; pod -> clusterIP: pass': /is no flow/,
  'endpoints a; flow pod -> clusterIP: pass': /neither ready, not-ready nor terminating/,
  'endpoints a ready, a ready; flow pod -> clusterIP: pass': /a name is used twice/,
  'endpoints a ready not-ready; flow pod -> clusterIP: pass': /a is ready and not-ready/,
  'endpoints a ready ready; flow pod -> clusterIP: pass': /a word is said twice/,
  'endpoints a ready lokal; flow pod -> clusterIP: pass': /"lokal" is not said of an endpoint/,
  'endpoints a ready weight=x; flow pod -> clusterIP: pass': /"weight=x" is no weight/,
  'endpoints Web ready; flow pod -> clusterIP: pass': /"Web" is not the name/,
  'endpoints none; endpoints none; flow pod -> clusterIP: pass': /"endpoints" is said twice/,
  'TCP; IPv6; endpoints none; flow pod -> clusterIP: pass': /"transport" is said twice/,
  'QUIC; endpoints none; flow pod -> clusterIP: pass': /"QUIC" is not a clause/,
  'endpoints none; internal local; flow pod -> clusterIP: pass': /"local" is not a traffic policy/,
  'endpoints none; frontends nodeport; flow pod -> clusterIP: pass': /"nodeport" is not a frontend/,
  'endpoints none; ranges all; flow pod -> clusterIP: pass': /"all" is not a range/,
  'endpoints none; node big; flow pod -> clusterIP: pass': /"big" is not said of the node/,
  'endpoints none; flow host -> clusterIP: pass': /"host" is not an entry/,
  'endpoints none; flow pod b -> clusterIP: pass': /"b" is not a source/,
  'endpoints none; flow pod client too -> clusterIP: pass': /"too" is not part of a source/,
  'endpoints none; flow pod -> service: pass': /"service" is not a destination/,
  'endpoints none; flow pod -> clusterIP over QUIC: pass': /"QUIC" is not a protocol/,
  'endpoints none; flow pod -> clusterIP wrongly: pass': /is not a destination/,
  'endpoints none; flow pod -> clusterIP: accept': /"accept" is not a verdict/,
  'endpoints none; flow pod -> clusterIP: reject source-range': /is not a verdict/,
  'endpoints none; flow pod -> clusterIP: forward to a': /is not a verdict/,
};

describe('the line language', () => {
  for (const [line, reason] of Object.entries(refused)) {
    test(`refuses ${line}`, () => {
      const text = `# a comment\n\n${sentence}\n${line}`;
      assert.throws(() => parseCases(text, 'x.txt'), reason);
      assert.throws(() => parseCases(text, 'x.txt'), /^Error: Cannot read case at x\.txt:4: /);
    });
  }

  test('reads conditions as the API means them', () => {
    const line = 'endpoints a ready, b terminating, c not-ready serving, d terminating not-serving';
    const [one] = parseCases(`${line}; flow pod -> clusterIP: pass`, 'x.txt');
    const servers = [...one!.plan.servers.values()];
    assert.deepEqual(
      servers[0]!.endpoints.map((e) => [e.ready, e.serving, e.terminating]),
      [
        [true, true, false],
        [false, true, true],
        [false, true, false],
        [false, false, true],
      ],
    );
  });

  test('its addresses are where their names say', () => {
    for (const family of ['IPv4', 'IPv6'] as const) {
      assert.ok(placeIsIn('client', 'lower-clients', family));
      assert.ok(placeIsIn('high-client', 'clients', family));
      assert.ok(!placeIsIn('high-client', 'lower-clients', family));
      assert.ok(placeIsIn('node-address', 'nodes', family));
      assert.ok(!placeIsIn('node-address', 'second-node-address', family));
      assert.ok(placeIsIn('clusterIP', 'services', family));
      assert.ok(placeIsIn('unallocated', 'services', family));
      assert.ok(!placeIsIn('foreign', 'services', family));
      assert.ok(placeIsIn('other-pod', 'pods', family));
      assert.ok(!placeIsIn('client', 'other-family', family));
    }
  });
});
