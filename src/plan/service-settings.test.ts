import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service, ServicePortSpec } from '../kube/index.ts';
import { serviceSettings } from './service-settings.ts';

type Spec = Partial<NonNullable<Service['spec']>>;

function service(annotations: Record<string, string>, spec: Spec = {}): Service {
  const ports: ServicePortSpec[] = [{ name: 'http', port: 80 }];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: 'web', annotations },
    spec: { ports, ...spec },
  };
}

const clientIP: Spec = { sessionAffinity: 'ClientIP' };
const timed: Spec = { ...clientIP, sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };
const raw: Spec = { ports: [{ name: 'db', port: 5432 }] };

interface Row {
  readonly of: Service;
  readonly scheduler?: string;
  readonly affinity?: string;
  readonly perRequest?: 'none' | 'cookie';
  readonly proxyProtocol?: 'v1' | 'v2';
  readonly replay?: 'first-bytes';
  /** Keys of what was not taken. */
  readonly problems?: readonly string[];
}

const rows: Record<string, Row> = {
  'nothing said: round robin, no affinity, by connection': { of: service({}) },
  'a scheduler by annotation': {
    of: service({ 'switchyard.dev/scheduler': 'wlc' }),
    scheduler: 'wlc',
  },
  "kube-router's annotation": {
    of: service({ 'kube-router.io/service.scheduler': 'sh' }),
    scheduler: 'sh',
  },
  "Cilium's annotation and name": {
    of: service({ 'service.cilium.io/lb-algorithm': 'maglev' }),
    scheduler: 'mh',
  },
  'ours wins over a synonym': {
    of: service({ 'service.cilium.io/lb-algorithm': 'maglev', 'switchyard.dev/scheduler': 'lc' }),
    scheduler: 'lc',
  },
  'the PROXY protocol': {
    of: service({ 'switchyard.dev/proxy-protocol': 'v2' }),
    proxyProtocol: 'v2',
  },
  'an unknown PROXY protocol is reported and leaves none': {
    of: service({ 'switchyard.dev/proxy-protocol': '2' }),
    problems: ['switchyard.dev/proxy-protocol'],
  },
  'the replay of first bytes': {
    of: service({ 'switchyard.dev/replay': 'first-bytes' }),
    replay: 'first-bytes',
  },
  'an unknown replay is reported and leaves none': {
    of: service({ 'switchyard.dev/replay': 'everything' }),
    problems: ['switchyard.dev/replay'],
  },
  'an unknown scheduler is reported and leaves round robin': {
    of: service({ 'switchyard.dev/scheduler': 'fastest' }),
    problems: ['switchyard.dev/scheduler'],
  },
  "ClientIP from the spec, with the API server's default timeout": {
    of: service({}, clientIP),
    affinity: 'clientIP 10800',
  },
  'ClientIP from the spec with its own timeout': {
    of: service({}, timed),
    affinity: 'clientIP 60',
  },
  'ClientIP by annotation, timeout from the spec': {
    of: service({ 'switchyard.dev/affinity': 'clientIP' }, { ...timed, sessionAffinity: 'None' }),
    affinity: 'clientIP 60',
  },
  'none by annotation wins over the spec': {
    of: service({ 'switchyard.dev/affinity': 'none' }, clientIP),
  },
  'an unknown affinity leaves the one of the spec': {
    of: service({ 'switchyard.dev/affinity': 'sticky' }, clientIP),
    affinity: 'clientIP 10800',
    problems: ['switchyard.dev/affinity'],
  },
  'cookie balances requests': {
    of: service({ 'switchyard.dev/affinity': 'cookie' }),
    perRequest: 'cookie',
  },
  'cookie keeps ClientIP for connections when there is no gateway': {
    of: service({ 'switchyard.dev/affinity': 'cookie' }, clientIP),
    affinity: 'clientIP 10800',
    perRequest: 'cookie',
  },
  'requests by annotation': {
    of: service({ 'switchyard.dev/balance': 'request' }),
    perRequest: 'none',
  },
  'an unknown balance mode leaves connections': {
    of: service({ 'switchyard.dev/balance': 'http' }),
    problems: ['switchyard.dev/balance'],
  },
  'requests where no port is HTTP: reported': {
    of: service({ 'switchyard.dev/balance': 'request' }, raw),
    perRequest: 'none',
    problems: ['switchyard.dev/balance'],
  },
  'cookie where no port is HTTP: reported': {
    of: service({ 'switchyard.dev/affinity': 'cookie' }, raw),
    perRequest: 'cookie',
    problems: ['switchyard.dev/affinity'],
  },
  'all wrong at once: all reported': {
    of: service({
      'switchyard.dev/scheduler': '',
      'switchyard.dev/affinity': '',
      'switchyard.dev/balance': '',
    }),
    problems: ['switchyard.dev/scheduler', 'switchyard.dev/affinity', 'switchyard.dev/balance'],
  },
};

for (const [name, row] of Object.entries(rows)) {
  test(name, () => {
    const got = serviceSettings(row.of);
    const { affinity } = got;
    const affinityText = affinity.kind === 'none' ? 'none' : `clientIP ${affinity.timeoutSeconds}`;
    assert.deepEqual(
      {
        scheduler: got.scheduler,
        affinity: affinityText,
        perRequest: got.perRequest?.affinity,
        proxyProtocol: got.proxyProtocol,
        replay: got.replay,
        problems: got.problems.map((problem) => problem.key),
      },
      {
        scheduler: row.scheduler ?? 'rr',
        affinity: row.affinity ?? 'none',
        perRequest: row.perRequest,
        proxyProtocol: row.proxyProtocol ?? 'none',
        replay: row.replay ?? 'none',
        problems: row.problems ?? [],
      },
    );
  });
}

const httpPorts: readonly (readonly [Partial<ServicePortSpec>, boolean])[] = [
  [{ name: 'http' }, true],
  [{ name: 'grpc' }, true],
  [{ name: 'http-admin' }, true],
  [{ name: 'https' }, false],
  [{ name: 'httpd' }, false],
  [{ name: 'db' }, false],
  [{}, false],
  [{ name: 'db', appProtocol: 'http' }, true],
  [{ name: 'db', appProtocol: 'kubernetes.io/h2c' }, true],
  [{ name: 'db', appProtocol: 'kubernetes.io/ws' }, true],
  [{ name: 'http', appProtocol: 'redis' }, false],
  [{ name: 'http', protocol: 'UDP' }, false],
];

for (const [port, isHttp] of httpPorts) {
  test(`a port with ${JSON.stringify(port)} is ${isHttp ? '' : 'not '}HTTP`, () => {
    const of = service({ 'switchyard.dev/balance': 'request' }, { ports: [{ port: 80, ...port }] });
    assert.equal(serviceSettings(of).problems.length === 0, isHttp);
  });
}
