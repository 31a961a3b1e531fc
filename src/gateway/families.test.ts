/** What Prometheus is told of requests: by Service, whichever way they came, and cumulative where it must be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainRequestRules, type VirtualServer } from '../model/index.ts';
import { PortCount } from './counters.ts';
import { labelledPorts, requestFamilies } from './families.ts';

const id = 'shop/web:http/TCP/IPv4';
const pools = { cluster: [], local: [], hasAny: false };
const server: VirtualServer = {
  id,
  ref: { namespace: 'shop', name: 'web', portName: 'http', protocol: 'TCP', family: 'IPv4' },
  frontends: [],
  internalTrafficPolicy: 'Cluster',
  externalTrafficPolicy: 'Cluster',
  endpoints: [],
  pools,
  scheduler: 'rr',
  affinity: { kind: 'none' },
  perRequest: { ...plainRequestRules, pools },
  proxyProtocol: 'none',
  replay: 'none',
  sourceRanges: [],
};

function valuesOf(name: string, families: ReturnType<typeof requestFamilies>): readonly string[] {
  const found = families.find((family) => family.name === name);
  assert.ok(found !== undefined);
  return found.samples.map(({ suffix = '', labels, value }) => {
    const texts = Object.entries(labels).map(([key, text]) => `${key}=${text}`);
    return `${suffix}{${texts.join(' ')}} ${value}`;
  });
}

test('requests are told by Service, endpoint and status, whichever way they came', () => {
  const [direct, named, shared] = [new PortCount(), new PortCount(), new PortCount()];
  direct.ended('10.0.0.1:80', { status: 200, latencyMs: 0.4 });
  direct.ended('10.0.0.1:80', { status: 503, latencyMs: 3 });
  direct.ended('10.0.0.1:80', { status: undefined, latencyMs: 1, failure: 'connect' });
  named.ended('10.0.0.1:80', { status: 200, latencyMs: 20_000 });
  shared.ended('10.0.0.1:80', { status: 200, latencyMs: 20_000 });
  shared.refused(404);
  const ports = labelledPorts([direct.view(id), shared.view('by-name'), shared.view('gone')], {
    served: [server],
    byName: [named.view(id)],
    serverOf: (asked) => (asked === id ? server : undefined),
  });
  const families = requestFamilies(ports);
  const web = 'namespace=shop service=web port=http family=IPv4';
  const at = `endpoint=10.0.0.1:80`;
  assert.deepEqual(valuesOf('switchyard_http_requests_total', families), [
    `{${web} entry=cluster ${at} code=200} 1`,
    `{${web} entry=cluster ${at} code=503} 1`,
    `{${web} entry=name ${at} code=200} 1`,
  ]);
  assert.deepEqual(valuesOf('switchyard_http_request_failures_total', families), [
    `{${web} entry=cluster ${at} failure=connect} 1`,
  ]);
  assert.deepEqual(valuesOf('switchyard_http_refused_total', families), [
    '{namespace= service= port= family= entry=name code=404} 1',
  ]);
  const times = valuesOf('switchyard_http_request_duration_seconds', families);
  const ofDirect = times.filter((text) => text.includes('entry=cluster'));
  const bucket = (le: string, value: number): string =>
    `_bucket{${web} entry=cluster ${at} le=${le}} ${value}`;
  assert.deepEqual(ofDirect.slice(0, 5), [
    bucket('0.0005', 1),
    bucket('0.001', 1),
    bucket('0.0025', 1),
    bucket('0.005', 2),
    bucket('0.01', 2),
  ]);
  assert.deepEqual(ofDirect.slice(-3), [
    bucket('+Inf', 2),
    `_sum{${web} entry=cluster ${at}} 0.0034`,
    `_count{${web} entry=cluster ${at}} 2`,
  ]);
  assert.ok(times.includes(`_bucket{${web} entry=name ${at} le=10} 0`));
  assert.ok(times.includes(`_bucket{${web} entry=name ${at} le=+Inf} 1`));
});
