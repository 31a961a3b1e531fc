/** The way of a request, in words, against golden files; every sentence is said by one of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decideRequest,
  plainRequestRules,
  type GatewayLack,
  type SecretProblem,
} from '../model/index.ts';
import { compileCase, parseRequestCases, requestOf } from '../model/l7/request-cases.suite.ts';
import { testEndpoint, testFlow, testPlan, testServer } from '../model/testing.ts';
import { explainRequest, type RequestExplanation, type RequestWorld } from './explain-request.ts';
import { requestSentences } from './request-sentences.ts';

const url = 'http://web.default/';
const endpoints = [testEndpoint({ pod: 'default/web-1' })];
const plain = testServer({ endpoints });
const gateway = [testEndpoint({ address: '127.0.0.1', port: 40_123 })];
const balanced = testServer({
  endpoints,
  pools: { cluster: gateway, local: [], hasAny: true },
  perRequest: { ...plainRequestRules, pools: plain.pools },
});
const waiting = { ...balanced, pools: plain.pools };
const secretLack = (problem: SecretProblem): GatewayLack => ({
  kind: 'secret',
  problem,
  secret: 'default/web-tls',
  text: `Secret default/web-tls is ${problem}`,
});
const abc = 'endpoints a ready, b ready, c ready weight=0';
const sticky = `${abc}; affinity cookie`;

/** Sentences of the decision table, each at a Service whose gateway is live. */
const sentences: Readonly<Record<string, string>> = {
  'a session by cookie': `${sticky}; request GET shop.example/cart cookie=a: stay at a`,
  'a session by an older key': `${sticky}; request GET shop.example/ cookie=b-old: stay at b, renew`,
  'a forged cookie': `${sticky}; request GET shop.example/ cookie=forged: stay at a`,
  'no cookie yet': `${sticky}; request GET shop.example/: stay at a`,
  'a hash': `${abc}; hash query:user; request GET shop.example/?user=bob: stay at a`,
  'nothing to hash': `${abc}; hash header:x-user; request GET shop.example/: stay at a`,
  'nobody takes it': 'endpoints c ready weight=0; request POST shop.example/: stay at a',
  'no route': `${abc}; routes api host=api.example; request GET shop.example/x: stay at a`,
  'drawn by weight': `${abc}; routes split to=a:1+b:3; draw 0.9; request GET shop.example/: stay at a`,
  'held against the weights': `${sticky}; routes split to=a:1+b:3; draw 0.9; request GET shop.example/ cookie=a: stay at a`,
};

function explainSentence(sentence: string, lack?: GatewayLack): RequestExplanation {
  const [one] = parseRequestCases(sentence, 'explain');
  assert.ok(one !== undefined);
  const world: RequestWorld = {
    plan: testPlan([balanced]),
    routerOf: () => ({
      explain: (_, request, trace) =>
        decideRequest(compileCase(one.words), request, { random: () => one.words.draw, trace }),
    }),
    lackOf: () => lack,
  };
  return explainRequest(world, { url, request: requestOf(one.words), flow: testFlow() });
}

function explainAt(
  flow: Parameters<typeof explainRequest>[1]['flow'],
  server = plain,
  lack?: GatewayLack,
): RequestExplanation {
  const world: RequestWorld = {
    plan: testPlan([server]),
    routerOf: () => undefined,
    lackOf: () => lack,
  };
  const [one] = parseRequestCases(`${abc}; request GET web.default/: stay at a`, 'explain');
  assert.ok(one !== undefined);
  return explainRequest(world, { url, request: requestOf(one.words), flow });
}

const explanations: Readonly<Record<string, RequestExplanation>> = {
  ...Object.fromEntries(
    Object.entries(sentences).map(([name, text]) => [name, explainSentence(text)]),
  ),
  'by connection': explainAt(testFlow()),
  'by connection, and asked for otherwise': explainAt(testFlow(), waiting),
  'by connection for want of a certificate': explainAt(testFlow(), waiting, secretLack('missing')),
  'by an expired certificate': explainSentence(
    `${abc}; request GET shop.example/: stay at a`,
    secretLack('expired'),
  ),
  'a host that is none': explainAt(undefined),
  'no endpoint at all': explainAt(testFlow(), testServer()),
  'an address that is not ours': explainAt(testFlow({ destination: '192.0.2.99' })),
};

test('the explanations are as they were', (t) => {
  const text = `${JSON.stringify(explanations, undefined, 2)}\n`;
  t.assert.fileSnapshot(text, `${import.meta.dirname}/testdata/requests.out.json`, {
    serializers: [(value) => String(value)],
  });
});

test('every sentence is said, and none with a gap', () => {
  const steps = Object.values(explanations).flatMap((each) => each.steps);
  const said = new Set(steps.map(({ code }) => code));
  assert.deepEqual([...said].toSorted(), Object.keys(requestSentences).toSorted());
  for (const { text } of steps) assert.doesNotMatch(text, /\{|\}|undefined|  /);
});
