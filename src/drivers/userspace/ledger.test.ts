/** The ledger knows when nothing is carried to an endpoint any more, and asks no other endpoint about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint } from '../../model/index.ts';
import { testEndpoint } from '../../model/testing.ts';
import { Ledger } from './ledger.ts';

const never = new AbortController().signal;
const server = 'shop/web:/TCP/IPv4';

const endpoint = (port: number): Endpoint => testEndpoint({ address: '127.0.0.1', port });

const carried = { bytesFromClient: 1, bytesFromBackend: 2 };

/** Whether it is settled once everything that waits had its turn. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => (done = true));
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  return done;
}

test('an endpoint nobody ever used is drained at once', async () => {
  const ledger = new Ledger();
  await ledger.drained([{ server, endpoint: endpoint(1) }], never);
  await ledger.drained([], never);
});

test('an attempt and what is open both keep an endpoint from being drained', async () => {
  const ledger = new Ledger();
  const account = ledger.account(server, endpoint(1));
  account.attempt();
  const drained = ledger.drained([{ server, endpoint: endpoint(1) }], never);
  assert.equal(await isDone(drained), false);
  account.opened(carried);
  account.attempt();
  account.closed(carried);
  assert.equal(await isDone(drained), false);
  account.failed(true);
  await drained;
});

test('all that were asked about have to be drained, and no others', async () => {
  const ledger = new Ledger();
  const [one, two, three] = [1, 2, 3].map((port) => ledger.account(server, endpoint(port)));
  for (const account of [one, two, three]) account?.attempt();
  const places = [1, 2].map((port) => ({ server, endpoint: endpoint(port) }));
  const drained = ledger.drained(places, never);
  one?.failed(false);
  assert.equal(await isDone(drained), false);
  two?.failed(false);
  await drained;
});

test('a signal ends the waiting, also one that has aborted before', async () => {
  const ledger = new Ledger();
  ledger.account(server, endpoint(1)).attempt();
  const stop = new AbortController();
  const drained = ledger.drained([{ server, endpoint: endpoint(1) }], stop.signal);
  assert.equal(await isDone(drained), false);
  stop.abort();
  await drained;
  await ledger.drained([{ server, endpoint: endpoint(1) }], AbortSignal.abort());
});
