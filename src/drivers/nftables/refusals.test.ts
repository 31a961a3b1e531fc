/** A refused commit: which statement it was, and how often the whole of it is logged. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NftBatch } from '../../codec/nftables/index.ts';
import { CodedError } from '../../model/index.ts';
import { createLogger } from '../../obs/index.ts';
import { createFakeClock } from '../../sys/index.ts';
import { NetlinkError } from '../../sys/netlink/index.ts';
import { netlinkError } from '../../sys/netlink/errors.ts';
import { placeKey, tableName } from './family.ts';
import { Refusals } from './refusals.ts';

function batch(): Uint8Array {
  const made = new NftBatch().in({ family: 2, name: tableName });
  made.addTable();
  made.deleteElements('services', [
    { key: placeKey('10.96.0.1', 'TCP', 80) },
    { key: placeKey('10.96.0.2', 'UDP', 53) },
  ]);
  return made.finish();
}

// Begin, table, elements: the third message.
const sequence = 3;

test('the statement at the place the kernel names is in the message', () => {
  const refusals = new Refusals({ clock: createFakeClock(), log: quiet(() => undefined) });
  const said = (offset: number | undefined): string =>
    refusals.refused(batch(), refusal({ sequence, offset })).message;
  assert.match(
    said(undefined),
    /"delete element ip switchyard services \{ 10\.96\.0\.1 \. tcp \. 80/,
  );
  assert.match(said(1 << 15), /10\.96\.0\.2 \. udp \. 53/);
});

test('it is logged whole once a minute, with how many were not', async () => {
  const clock = createFakeClock();
  const lines: string[] = [];
  const refusals = new Refusals({ clock, log: quiet((line) => void lines.push(line)) });
  for (let i = 0; i < 50; i++) {
    refusals.refused(batch(), refusal({ sequence, offset: undefined }));
    await clock.advance(1_000);
  }
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /add table ip switchyard\\ndelete element/);
  await clock.advance(10_000);
  refusals.refused(batch(), refusal({ sequence, offset: undefined }));
  assert.equal(lines.length, 2);
  assert.equal(JSON.parse(lines[1] ?? '').unlogged, 49);
});

test('a missing privilege is said as it is: no statement is to blame', () => {
  const refusals = new Refusals({ clock: createFakeClock(), log: quiet(assert.fail) });
  const error = refusals.refused(batch(), new NetlinkError('NETLINK_NOT_PERMITTED', 'no'));
  assert.equal(error instanceof CodedError && error.code, 'NETLINK_NOT_PERMITTED');
});

test('a kernel that lacks a feature is said with the statement that wanted it, and what to do', () => {
  const refusals = new Refusals({ clock: createFakeClock(), log: quiet(() => undefined) });
  const lacking = netlinkError('commit rules', 'EOPNOTSUPP', {
    refused: { sequence, offset: undefined },
  });
  const error = refusals.refused(batch(), lacking);
  assert.ok(error instanceof CodedError);
  assert.equal(error.code, 'NFTABLES_REFUSED');
  assert.match(error.message, /services \{ 10\.96\.0\.1 .*EOPNOTSUPP/);
  assert.match(error.remedy ?? '', /a kernel of 5\.13 or newer/);
});

function refusal(refused: NetlinkError['refused']): NetlinkError {
  return new NetlinkError('NETLINK_NOT_FOUND', 'Cannot commit rules: ENOENT', { refused });
}

function quiet(write: (line: string) => void): ReturnType<typeof createLogger> {
  return createLogger({ level: 'info', format: 'json', clock: createFakeClock(), write });
}
