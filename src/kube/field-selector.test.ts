/** Field selectors select by the fields a kind names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFieldSelector } from './field-selector.ts';
import { podKind, serviceKind, type Service } from './kinds.ts';
import { kinds } from './served.ts';

const web: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { type: 'ClusterIP', clusterIP: 'None' },
};

const matches: Readonly<Record<string, boolean>> = {
  'metadata.name=web': true,
  'metadata.name==web': true,
  'metadata.name!=web': false,
  'metadata.name=web,metadata.namespace=shop': true,
  'metadata.name=web,metadata.namespace=other': false,
  'spec.clusterIP!=None': false,
  'spec.type=': false,
  'spec.type=ClusterIP,': true,
  'metadata.name=w\\=b': false,
  '': true,
};

for (const [selector, want] of Object.entries(matches)) {
  test(`${selector || 'nothing asked'}: ${want}`, () =>
    assert.equal(parseFieldSelector(serviceKind, selector).matches(web), want));
}

test('an absent field is the empty text', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } };
  assert.equal(parseFieldSelector(podKind, 'spec.nodeName=').matches(pod), true);
});

test('a field the kind does not name is refused in the server’s words', () => {
  assert.throws(() => parseFieldSelector(serviceKind, 'spec.foo=x'), {
    code: 'BadRequest',
    message: 'field label not supported: spec.foo',
    remedy: 'Select services by metadata.name, metadata.namespace, spec.clusterIP, spec.type',
  });
});

test('what is no term is refused', () => {
  assert.throws(() => parseFieldSelector(serviceKind, 'metadata.name'), {
    code: 'BadRequest',
    message: "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
  });
});

test('every kind can be selected by name', () => {
  for (const kind of kinds) {
    assert.equal(parseFieldSelector(kind, 'metadata.name=web').matches(web), true, kind.kind);
  }
});
