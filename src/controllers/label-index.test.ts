import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { LabelIndex } from './label-index.ts';

test('an index kept through any changes finds what a scan finds', () => {
  const labels = fc.dictionary(fc.constantFrom('app', 'tier', 'zone'), fc.constantFrom('a', 'b'), {
    maxKeys: 3,
  });
  const id = fc.constantFrom('1', '2', '3', '4');
  const namespace = fc.constantFrom('x', 'y');
  const step = fc.record({
    what: fc.constantFrom('selector', 'object'),
    id,
    namespace,
    labels: fc.option(labels, { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const index = new LabelIndex();
      const selectors = new Map<string, { namespace: string; labels: Record<string, string> }>();
      const objects = new Map<string, { namespace: string; labels: Record<string, string> }>();
      for (const s of steps) {
        const model = s.what === 'selector' ? selectors : objects;
        if (s.what === 'selector') index.setSelector(s.id, s.namespace, s.labels);
        else index.setObject(s.id, s.namespace, s.labels);
        if (s.labels === undefined) model.delete(s.id);
        else model.set(s.id, { namespace: s.namespace, labels: s.labels });
      }
      const matches = (selectorId: string, objectId: string): boolean => {
        const selector = selectors.get(selectorId);
        const object = objects.get(objectId);
        if (selector === undefined || object === undefined) return false;
        const wanted = Object.entries(selector.labels);
        return (
          wanted.length > 0 &&
          selector.namespace === object.namespace &&
          wanted.every(([k, v]) => object.labels[k] === v)
        );
      };
      const ids = ['1', '2', '3', '4'];
      for (const one of ids) {
        assert.deepEqual(
          index.objectsOf(one).toSorted(),
          ids.filter((other) => matches(one, other)),
        );
        assert.deepEqual(
          index.selectorsOf(one).toSorted(),
          ids.filter((other) => matches(other, one)),
        );
      }
    }),
  );
});
