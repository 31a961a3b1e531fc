/** Entries read where they lie say what entries read whole say, and no bytes make the reading fail. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { NetlinkWriter, readMessages, type NetlinkMessage } from '../netlink/index.ts';
import { EntryScan, readEntry } from './index.ts';
import {
  counters,
  destinationNat,
  entry,
  ip,
  protocolInfo,
  protocolPart,
  tuple,
} from './numbers.ts';

interface Wanted {
  readonly six: boolean;
  readonly protocol: number;
  readonly state: number;
  readonly bytes: bigint | undefined;
}

function message({ six, protocol, state, bytes }: Wanted): NetlinkMessage {
  const w = new NetlinkWriter();
  const address = (last: number): Uint8Array =>
    Uint8Array.from({ length: six ? 16 : 4 }, (_, i) => (i === 0 ? 10 : last));
  const types = six
    ? ([ip.source6, ip.destination6] as const)
    : ([ip.source4, ip.destination4] as const);
  const direction = (type: number, ends: readonly [number, number]): void => {
    w.nested(type, () => {
      w.nested(tuple.ip, () => {
        w.attribute(types[0], address(ends[0]));
        w.attribute(types[1], address(ends[1]));
      });
      w.nested(tuple.protocol, () => {
        w.u8(protocolPart.number, protocol);
        w.be16(protocolPart.sourcePort, 1_000 + ends[0]);
        w.be16(protocolPart.destinationPort, 1_000 + ends[1]);
      });
    });
  };
  w.message({ type: 256, flags: 0, sequence: 1 }, () => {
    w.raw(Uint8Array.of(six ? 10 : 2, 0, 0, 0));
    direction(entry.original, [1, 2]);
    direction(entry.reply, [3, 1]);
    w.be32(entry.status, destinationNat);
    w.nested(entry.protocolInfo, () =>
      w.nested(protocol === 132 ? protocolInfo.sctp : protocolInfo.tcp, () =>
        w.u8(protocolInfo.state, state),
      ),
    );
    for (const type of bytes === undefined ? [] : [entry.countersOriginal, entry.countersReply]) {
      w.nested(type, () => w.be64(counters.bytes, bytes ?? 0n));
    }
    w.be32(entry.id, 77);
  });
  const [made] = readMessages(w.bytes().slice());
  assert.ok(made !== undefined);
  return made;
}

for (const six of [false, true]) {
  test(`${six ? 'IPv6' : 'IPv4'}: both ways of reading say the same`, () => {
    const one = message({ six, protocol: 6, state: 3, bytes: (1n << 33n) + 5n });
    const scan = new EntryScan();
    assert.ok(scan.read(one));
    const whole = readEntry(one);
    assert.deepEqual(scan.entry(), whole);
    assert.equal(scan.destination(), whole?.original.destination);
    assert.equal(scan.answerer(), whole?.reply.source);
    assert.deepEqual([scan.destinationPort, scan.answererPort], [1_002, 1_003]);
    assert.deepEqual([scan.bytesTo, scan.bytesFrom], [2 ** 33 + 5, 2 ** 33 + 5]);
    assert.deepEqual([scan.destinationRewritten, scan.isOpen, scan.protocol], [true, true, 6]);
  });
}

test('one that both ends have left is not open, and one uncounted has no counters', () => {
  const scan = new EntryScan();
  for (const [protocol, state, isOpen] of [
    [6, 1, true],
    [6, 5, true],
    [6, 7, false],
    [6, 8, false],
    [132, 4, true],
    [132, 1, false],
    [132, 7, false],
  ] as const) {
    assert.ok(scan.read(message({ six: false, protocol, state, bytes: undefined })));
    assert.deepEqual([scan.isOpen, scan.hasCounters], [isOpen, false], `${protocol} ${state}`);
  }
});

test('bytes that are wrong anywhere are read or refused, and never past their end', () => {
  const whole = message({ six: true, protocol: 6, state: 3, bytes: 9n });
  const scan = new EntryScan();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.body.length - 1), fc.nat(255)), { maxLength: 8 }),
      fc.nat(whole.body.length),
      (changes, length) => {
        const body = whole.body.slice(0, length);
        for (const [at, value] of changes) if (at < length) body[at] = value;
        if (!scan.read({ ...whole, body })) return;
        assert.ok(scan.path.length > 0 && scan.destination() !== '' && scan.answerer() !== '');
      },
    ),
    { numRuns: 5_000 },
  );
});
