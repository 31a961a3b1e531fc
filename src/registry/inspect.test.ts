/** Defaults and validation are pure, and no JSON makes them fail in another way than Invalid. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import {
  ApiError,
  freezeCopy,
  jsonEqual,
  kinds,
  serviceKind,
  type KubeObject,
} from '../kube/index.ts';
import { propertyRuns } from '../model/property-runs.suite.ts';
import {
  clusterRoleBindingStrategy,
  clusterRoleStrategy,
  roleBindingStrategy,
  roleStrategy,
  serviceAccountStrategy,
} from './access.ts';
import { configMapStrategy, secretStrategy } from './config-map.ts';
import { controllerRevisionStrategy } from './controller-revision.ts';
import { deploymentStrategy } from './deployment.ts';
import { createEndpointSliceStrategy } from './endpoint-slice.ts';
import { createEndpointsStrategy } from './endpoints.ts';
import { eventStrategy } from './event.ts';
import { createObjectCheck, inspectNew, inspectUpdate } from './inspect.ts';
import { ingressClassStrategy } from './ingress-class.ts';
import { ingressStrategy } from './ingress.ts';
import { ipAddressRules } from './ip-address.ts';
import { leaseStrategy } from './lease.ts';
import { namespaceStrategy } from './namespace.ts';
import { nodeStrategy } from './node.ts';
import { podStrategy } from './pod.ts';
import { replicaSetStrategy } from './replica-set.ts';
import { serviceCidrStrategy } from './service-cidr.ts';
import { serviceRules } from './service.ts';
import type { Shape } from './shape.ts';
import { statefulSetStrategy } from './stateful-set.ts';
import type { Strategy } from './strategy.ts';

const strategies: readonly Strategy<never>[] = [
  namespaceStrategy,
  nodeStrategy,
  deploymentStrategy,
  replicaSetStrategy,
  statefulSetStrategy,
  controllerRevisionStrategy,
  podStrategy,
  serviceRules,
  createEndpointsStrategy({ allowLoopback: true }),
  createEndpointSliceStrategy({ allowLoopback: true }),
  configMapStrategy,
  secretStrategy,
  leaseStrategy,
  eventStrategy,
  ingressStrategy,
  ingressClassStrategy,
  serviceCidrStrategy,
  ipAddressRules,
  serviceAccountStrategy,
  roleStrategy,
  roleBindingStrategy,
  clusterRoleStrategy,
  clusterRoleBindingStrategy,
] as unknown as readonly Strategy<never>[];

const texts = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'web',
    'None',
    'TCP',
    'UDP',
    'ClusterIP',
    'NodePort',
    'LoadBalancer',
    'ExternalName',
    'ClientIP',
    'Local',
    'Cluster',
    'IPv4',
    'IPv6',
    'SingleStack',
    'RequireDualStack',
    '10.0.0.1',
    '127.0.0.1',
    'fd00::1',
    '10.0.0.0/8',
    'a.b',
    'A_b',
    '__proto__',
    'constructor',
  ),
  fc.string({ maxLength: 8 }),
);

/** Values that fit a shape, and now and then one that does not. */
function fitting(shape: Shape, depth = 0): fc.Arbitrary<unknown> {
  const wrong = fc.oneof(fc.constant(null), fc.jsonValue({ maxDepth: 1 }));
  const right = ((): fc.Arbitrary<unknown> => {
    switch (shape.type) {
      case 'string':
        return texts;
      case 'boolean':
        return fc.boolean();
      case 'integer':
        return fc.oneof(
          fc.integer({ min: -1, max: 70_000 }),
          fc.constantFrom(0, 80, 10_250, 30_000),
        );
      case 'integerOrString':
        return fc.oneof(texts, fc.integer({ min: -1, max: 70_000 }));
      case 'list':
        return fc.array(fitting(shape.items, depth + 1), { maxLength: 3 });
      case 'map':
        return fc.dictionary(texts, fitting(shape.values, depth + 1), { maxKeys: 3 });
      case 'object':
        return fc.record(
          Object.fromEntries(
            Object.entries(shape.fields).map(([key, field]) => [key, fitting(field, depth + 1)]),
          ),
          { requiredKeys: [] },
        );
    }
  })();
  return fc.oneof({ weight: 40, arbitrary: right }, { weight: 1, arbitrary: wrong });
}

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown;
    assert.ok(thrown.code === 'Invalid' || thrown.code === 'BadRequest', thrown.code);
    if (thrown.code === 'Invalid') assert.ok(thrown.causes.length > 0);
    return undefined;
  }
}

for (const strategy of strategies) {
  const { kind, shape } = strategy;
  const whole = fitting(shape).map((value) =>
    typeof value === 'object' && value !== null
      ? { ...value, apiVersion: undefined, kind: undefined }
      : value,
  );
  test(`${kind.kind}: nothing that fits the shape more or less makes it throw or change its input`, () => {
    fc.assert(
      fc.property(whole, whole, (value, other) => {
        const input = freezeCopy(value);
        const made = attempt(() => inspectNew(strategy, input)) as KubeObject | undefined;
        if (made === undefined) return;
        // What was completed once is complete.
        const again = attempt(() => inspectNew(strategy, freezeCopy(made))) as
          | KubeObject
          | undefined;
        if (again !== undefined) assert.ok(jsonEqual(again, made));
        attempt(() =>
          inspectUpdate(strategy, freezeCopy(made) as never, freezeCopy(made) as never),
        );
        attempt(() => {
          const next = inspectNew(strategy, freezeCopy(other));
          return inspectUpdate(strategy, next, freezeCopy(made) as never);
        });
      }),
      { numRuns: Math.max(1_000, propertyRuns / 50) },
    );
  });
}

test('no JSON at all makes the check throw', () => {
  const check = createObjectCheck({ allowLoopback: true });
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.jsonValue(), (kind, value) => {
      const refused = check(kind, value);
      assert.ok(refused === undefined || refused instanceof ApiError);
    }),
    { numRuns: propertyRuns },
  );
});

test('every kind has a strategy', () => {
  assert.deepEqual(
    strategies.map((strategy) => strategy.kind),
    kinds,
  );
});

const wrongTypes: Readonly<Record<string, readonly [value: object, message: string]>> = {
  'a port that is text': [
    { spec: { ports: [{ port: '80a' }] } },
    'spec.ports[0].port: Invalid value: "80a": must be an integer',
  ],
  'half a port': [
    { spec: { ports: [{ port: 80.5 }] } },
    'spec.ports[0].port: Invalid value: 80.5: must be an integer',
  ],
  'ports that are a map': [
    { spec: { ports: { port: 80 } } },
    'spec.ports: Invalid value: {"port":80}: must be a list',
  ],
  'a selector that is a list': [
    { spec: { selector: ['app'], ports: [{ port: 80 }] } },
    'spec.selector: Invalid value: ["app"]: must be a map',
  ],
  'a label that is a number': [
    { metadata: { name: 'a', labels: { tier: 1 } } },
    'metadata.labels.tier: Invalid value: 1: must be a string',
  ],
  'a flag that is text': [
    { spec: { publishNotReadyAddresses: 'yes' } },
    'spec.publishNotReadyAddresses: Invalid value: "yes": must be a boolean',
  ],
  'a target that is a list': [
    { spec: { ports: [{ port: 80, targetPort: [] }] } },
    'spec.ports[0].targetPort: Invalid value: []: must be an integer or a string',
  ],
};

for (const [name, [value, message]] of Object.entries(wrongTypes)) {
  test(`wrong type: ${name}`, () => {
    const check = createObjectCheck({ allowLoopback: true });
    const refused = check(serviceKind, { metadata: { name: 'a' }, ...value });
    assert.equal(refused?.message, `Service "a" is invalid: ${message}`);
    assert.equal(refused?.causes[0]?.reason, 'FieldValueTypeInvalid');
  });
}
