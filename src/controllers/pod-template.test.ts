/** Which templates are one template: clients write the same in several ways, and no Pod is to be replaced for that. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodTemplate } from '../kube/index.ts';
import { sameTemplate, templateHash } from './pod-template.ts';

const template = (parts: string): PodTemplate => JSON.parse(`{${parts}}`) as PodTemplate;
const plain = template(
  '"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"a"}]}',
);

const others: Readonly<Record<string, { readonly written: string; readonly isSame: boolean }>> = {
  'in another order': {
    written: '"spec":{"containers":[{"image":"a","name":"c"}]},"metadata":{"labels":{"app":"web"}}',
    isSame: true,
  },
  'with what older kubectl adds': {
    written:
      '"metadata":{"creationTimestamp":null,"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"a","resources":{}}],"securityContext":{}}',
    isSame: true,
  },
  'with another image': {
    written: '"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"b"}]}',
    isSame: false,
  },
  'with a flag that is off': {
    written:
      '"metadata":{"labels":{"app":"web"}},"spec":{"hostNetwork":false,"containers":[{"name":"c","image":"a"}]}',
    isSame: false,
  },
};

for (const [how, { written, isSame }] of Object.entries(others)) {
  test(`a template written ${how} is ${isSame ? 'the same' : 'another'}`, () => {
    const other = template(written);
    assert.equal(sameTemplate(plain, other, 'pod-template-hash'), isSame);
    assert.equal(templateHash(plain, 0) === templateHash(other, 0), isSame);
    assert.notEqual(templateHash(plain, 0), templateHash(plain, 1));
  });
}
