/** The wrappers: buffers are checked before the kernel gets them, failures are negated errnos with names. */
import assert from 'node:assert/strict';
import process from 'node:process';
import test from 'node:test';
import { messageOf } from '../../model/index.ts';
import {
  constants as c,
  decodeSocketAddress,
  encodeSocketAddress,
  EpollEvents,
  loadLibc,
  socketAddressRoom,
  systemError,
  type Libc,
} from './index.ts';

const found = await loadLibc().catch(messageOf);

function check(what: string, run: (libc: Libc, fd: number) => void): void {
  test(`libc: ${what}`, { skip: typeof found === 'string' ? found : false }, () => {
    if (typeof found === 'string') return;
    const fd = found.socket(c.AF_INET);
    assert.ok(fd >= 0);
    try {
      run(found, fd);
    } finally {
      found.close(fd);
    }
  });
}

check('a buffer that is too short never reaches the kernel', (libc, fd) => {
  const short = new Uint8Array(socketAddressRoom - 1);
  for (const call of [
    () => libc.accept(fd, short),
    () => libc.localAddress(fd, short),
    () => libc.remoteAddress(fd, short),
    () => libc.send(fd, short, short.length + 1),
  ]) {
    assert.throws(call, RangeError);
  }
});

check('what fails is a negated errno, and has Node’s name', (libc, fd) => {
  const result = libc.receive(fd, new Uint8Array(1));
  assert.equal(libc.nameOf(result), 'ENOTCONN');
  assert.equal(systemError(libc, 'recv', result).code, 'ENOTCONN');
  assert.equal(systemError(libc, 'recv', result).message, 'recv ENOTCONN');
  assert.equal(libc.nameOf(libc.close(-1)), 'EBADF');
  assert.equal(libc.nameOf(-11), 'EAGAIN');
  assert.equal(libc.nameOf(-4000), 'errno 4000');
});

check('two sockets of this thread find each other', (libc, fd) => {
  const any = encodeSocketAddress({ address: '127.0.7.2', port: 0 });
  assert.ok(any);
  assert.equal(libc.bind(fd, any), 0);
  assert.equal(libc.listen(fd, 1), 0);
  const room = new Uint8Array(socketAddressRoom);
  assert.equal(libc.localAddress(fd, room), 0);
  const at = decodeSocketAddress(room);
  assert.ok(at);
  const client = libc.socket(c.AF_INET);
  const bytes = encodeSocketAddress(at);
  assert.ok(bytes);
  libc.connect(client, bytes);
  const taken = libc.accept(fd, room);
  assert.ok(taken >= 0);
  assert.equal(libc.localAddress(client, new Uint8Array(socketAddressRoom)), 0);
  assert.equal(libc.remoteAddress(client, room), 0);
  assert.deepEqual(decodeSocketAddress(room), at);
  assert.equal(libc.send(client, Uint8Array.of(1, 2, 3), 2), 2);
  const into = new Uint8Array(8);
  assert.equal(libc.receive(taken, into), 2);
  assert.deepEqual([...into.subarray(0, 3)], [1, 2, 0]);
  assert.equal(libc.nameOf(libc.receive(taken, into)), 'EAGAIN');
  libc.lingerNot(client);
  libc.close(client);
  assert.equal(libc.nameOf(libc.takeError(taken)), 'ECONNRESET');
  assert.equal(libc.takeError(taken), 0);
  libc.close(taken);
});

check('epoll tells which descriptor, and both words of ours', (libc, fd) => {
  const epoll = libc.epollCreate();
  try {
    const interest = { events: c.EPOLLOUT, low: 12_345, high: -7 };
    assert.equal(libc.epollAdd(epoll, fd, interest), 0);
    assert.equal(libc.nameOf(libc.epollAdd(epoll, fd, interest)), 'EEXIST');
    const events = new EpollEvents(4, process.arch);
    assert.equal(libc.epollPoll(epoll, events), 1);
    assert.deepEqual([events.lowAt(0), events.highAt(0)], [12_345, -7]);
    assert.ok((events.eventsAt(0) & c.EPOLLOUT) !== 0);
    assert.equal(libc.epollModify(epoll, fd, { ...interest, events: c.EPOLLIN | c.EPOLLET }), 0);
    assert.equal(libc.epollRemove(epoll, fd), 0);
    assert.equal(libc.epollPoll(epoll, events), 0);
  } finally {
    libc.close(epoll);
  }
});
