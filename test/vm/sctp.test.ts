/** SCTP, which the kernels that tests run on may not have: in a machine of its own. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { tableGroups } from '../../src/drivers/conformance/table-cases.ts';
import { expectationOf } from '../../src/drivers/conformance/table-expectation.ts';
import { runInMachine } from './machine.ts';
import { findPieces } from './pieces.ts';
import type { Shortages } from './shortages.ts';

const say = (progress: string): void => console.log(`SCTP: ${progress}`);
const pieces = findPieces(say);
const title = 'nftables: every sentence about SCTP, in a machine';

const modules = [
  'veth sctp nf_tables nft_ct nft_nat nft_chain_nat nft_masq nft_numgen nft_hash',
  'nft_reject_ipv4 nft_reject_ipv6 nf_conntrack_netlink',
].flatMap((names) => names.split(' '));

if (typeof pieces === 'string') test(title, { skip: pieces }, () => undefined);
else {
  test(title, { timeout: 230_000 }, async (t) => {
    say('starting a machine, which takes half a minute');
    const printed = await runInMachine({
      pieces,
      modules,
      command: [
        process.execPath,
        fileURLToPath(new URL('sctp-program.ts', import.meta.url)),
        pieces.busybox,
      ],
      seconds: 210,
      say,
    });
    if (printed === undefined) {
      t.skip('this host is too busy to emulate a machine: it was not done after 210 s');
      return;
    }
    const met = new Map(
      printed
        .filter((line) => line.startsWith('{"title"'))
        .map((line) => JSON.parse(line) as { title: string; of: string; meets: object })
        .map(({ title: node, of, meets }) => [`${node}: ${of}`, meets]),
    );
    await showShortages(t, printed);
    for (const { title: node, plan, cases } of tableGroups()) {
      for (const one of cases) {
        if (one.flow.protocol !== 'SCTP') continue;
        const options = one.cannot === undefined ? {} : { skip: one.cannot };
        await t.test(`${one.family}: ${one.title}`, options, () => {
          const seen = met.get(`${node}: ${one.title}`);
          assert.ok(
            seen !== undefined,
            `the machine says of it nothing\n${printed.slice(-20).join('\n')}`,
          );
          assert.deepEqual(
            sorted(seen),
            sorted(refusedOutside(expectationOf(plan, one).meets)),
            'what packets met',
          );
        });
      }
    }
  });
}

async function showShortages(t: TestContext, printed: readonly string[]): Promise<void> {
  const line = printed.find((one) => one.startsWith('{"shortages"')) ?? '{}';
  const { shortages } = JSON.parse(line) as { readonly shortages?: Shortages };
  assert.ok(
    shortages !== undefined,
    `it says nothing of shortages\n${printed.slice(-20).join('\n')}`,
  );
  await t.test('connections when the kernel has no room for them, and Plans meanwhile', () => {
    const { before, during, after } = shortages.full;
    assert.match(before, /^10\./);
    assert.equal(during, 'silent');
    assert.ok(shortages.appliedWhileFull);
    assert.match(after, /^10\./);
  });
  for (const [module, { missing, refused, tables }] of Object.entries(shortages.without)) {
    await t.test(
      `a kernel without ${module}: said before anything is tried, and nothing is left`,
      () => {
        const [first] = missing;
        assert.match(
          first?.what ?? '',
          /^a feature of nf_tables \(the kernel refused at "add .*ENOENT/,
        );
        assert.match(first?.remedy ?? '', new RegExp(`modprobe .*\\b${module}\\b`));
        assert.match(refused, /the kernel refused at "add /);
        assert.equal(tables, '');
      },
    );
  }
}

/** Nobody listens outside, where packets go that no Service has: it is reached, and refuses. */
function refusedOutside(meets: Readonly<Record<string, number>>): object {
  return 'passed' in meets ? { refused: meets['passed'] } : meets;
}

function sorted(record: object): readonly (readonly [string, unknown])[] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
