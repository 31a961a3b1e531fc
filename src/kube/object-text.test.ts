/** What is stored is the whole object; what is shown lacks what clients do not see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownTail, storedText } from './object-text.ts';
import type { KubeObject } from './object.ts';

const objects: Readonly<Record<string, KubeObject>> = {
  'a kind without a generation': {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a"b', generation: 3, labels: { x: 'y' } },
    spec: { ports: [{ port: 80 }] },
  } as KubeObject,
  'nothing but a name': { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } },
  'a generation and only a name': {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { generation: 1, name: 'a' },
  },
  'a kind with a generation': {
    status: { replicas: 1 },
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a', generation: 7 },
  } as KubeObject,
};

for (const [name, object] of Object.entries(objects)) {
  test(`${name}: stored whole, shown without what is hidden`, () => {
    assert.deepEqual(JSON.parse(storedText(object)), object);
    const { generation: _hidden, ...rest } = object.metadata;
    const metadata = object.kind === 'Deployment' ? object.metadata : rest;
    const { kind: _kind, apiVersion: _version, ...others } = object;
    assert.deepEqual(JSON.parse(`{${shownTail(object)}`), { ...others, metadata });
    assert.equal(shownTail(object), shownTail(object));
  });
}
