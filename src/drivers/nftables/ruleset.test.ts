/** What `nft list ruleset` shows of a Plan with one Service of each kind, as people will read it. */
import test from 'node:test';
import { namespacesMissing } from '../conformance/index.ts';
import { oneOfEach } from './one-of-each.suite.ts';

/** The kernel keeps elements in an order of its own: sorted, one a line. */
function tidy(listed: string): string {
  return listed.replaceAll(
    /^(\t+)elements = \{([^}]*)\}/gm,
    (_, indent: string, inside: string) => {
      const elements = inside.split(',').map((element) => element.trim().replaceAll(/\s+/g, ' '));
      const lines = elements.toSorted().map((element) => `${indent}\t${element}`);
      return `${indent}elements = {\n${lines.join(',\n')}\n${indent}}`;
    },
  );
}

test('a Plan with one Service of each kind', { skip: namespacesMissing('nft') }, async (t) => {
  const { run } = await oneOfEach(t);
  const listed = run('nft', 'list', 'ruleset');
  t.assert.fileSnapshot(tidy(listed), `${import.meta.dirname}/testdata/ruleset.nft`, {
    serializers: [String],
  });
});
