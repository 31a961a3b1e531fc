import assert from 'node:assert/strict';
import test from 'node:test';
import { connectError, listenError } from './socket-errors.ts';

const errno = (code: string): Error => Object.assign(new Error(`${code} happened`), { code });

const at = { address: '127.0.0.1', port: 80 };
const six = { address: 'fd00::1', port: 80 };

const cases = {
  'in use': [
    listenError(at, errno('EADDRINUSE')),
    'NET_ADDRESS_IN_USE',
    'Cannot listen at 127.0.0.1:80: another process already listens there',
  ],
  'not permitted': [
    listenError(at, errno('EACCES')),
    'NET_NOT_PERMITTED',
    'Cannot listen at 127.0.0.1:80: permission denied',
  ],
  'address of another host': [
    listenError(six, errno('EADDRNOTAVAIL')),
    'NET_ADDRESS_NOT_AVAILABLE',
    'Cannot listen at [fd00::1]:80: this host does not have the address',
  ],
  'no IPv6': [
    listenError(six, errno('EAFNOSUPPORT')),
    'NET_ADDRESS_NOT_AVAILABLE',
    'Cannot listen at [fd00::1]:80: this host does not speak the address family',
  ],
  'anything else at listen': [
    listenError(at, errno('ENOBUFS')),
    'NET_FAILED',
    'Cannot listen at 127.0.0.1:80: ENOBUFS happened',
  ],
  refused: [
    connectError(at, errno('ECONNREFUSED')),
    'NET_REFUSED',
    'Cannot connect to 127.0.0.1:80: it refused the connection',
  ],
  'no route': [
    connectError(at, errno('EHOSTUNREACH')),
    'NET_UNREACHABLE',
    'Cannot connect to 127.0.0.1:80: there is no way to it from this host',
  ],
  'anything else at connect': [
    connectError(at, 'odd'),
    'NET_FAILED',
    'Cannot connect to 127.0.0.1:80: odd',
  ],
} as const;

for (const [name, [error, code, message]] of Object.entries(cases)) {
  test(`says what went wrong: ${name}`, () => {
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    assert.notEqual(error.cause, undefined);
    const user = code.startsWith('NET_ADDRESS') || code === 'NET_NOT_PERMITTED';
    assert.equal(error.remedy !== undefined, user, 'what the user can change has a remedy');
  });
}
