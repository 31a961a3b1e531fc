import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { propertyRuns } from '../property-runs.suite.ts';
import {
  cookieValues,
  formatSetCookie,
  isCookieDomain,
  isCookieName,
  isCookiePath,
} from './cookies.ts';

const fields: Readonly<Record<string, readonly string[]>> = {
  'sid=a': ['a'],
  'sid=a; sid=b': ['a', 'b'],
  'x=1; sid=a; y=2': ['a'],
  'x=1;sid=a;y=2': ['a'],
  ' sid=a\t;\tsid=b ': ['a', 'b'],
  'sid=': [''],
  'sid="a"': ['a'],
  'sid=""': [''],
  'sid="': [],
  'sid="a': [],
  'sid=a=b': ['a=b'],
  'sid=a b': [],
  'sid=a,b': [],
  'sid=a\\b': [],
  'sid=\u00e4': [],
  'sid=a\u0000': [],
  'SID=a': [],
  'sidx=a': [],
  'xsid=a': [],
  sid: [],
  '=a': [],
  ';;;': [],
  '': [],
  'sid = a': [],
};

describe('cookieValues', () => {
  for (const [field, want] of Object.entries(fields)) {
    test(JSON.stringify(field), () => assert.deepEqual(cookieValues(field, 'sid'), want));
  }

  test('looks at 256 cookies and no more', () => {
    const others = 'x=1; '.repeat(255);
    assert.deepEqual(cookieValues(`${others}sid=a`, 'sid'), ['a']);
    assert.deepEqual(cookieValues(`x=1; ${others}sid=a`, 'sid'), []);
  });

  test('finds what a naive reading finds, in any text', () => {
    const part = fc.oneof(
      fc.constantFrom('sid', '=', ';', ' ', '"', 'a', ',', '\t', 'sid=x', '; sid=y'),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const field = parts.join('');
        const naive = field.split(';').flatMap((pair) => {
          const match = /^[ \t]*sid=(.*?)[ \t]*$/s.exec(pair);
          const value = /^"(.*)"$/s.exec(match?.[1] ?? '')?.[1] ?? match?.[1];
          return value !== undefined && /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/.test(value)
            ? [value]
            : [];
        });
        assert.deepEqual(cookieValues(field, 'sid'), naive);
      }),
      { numRuns: propertyRuns },
    );
  });
});

test('Set-Cookie says what is asked for, and nothing else', () => {
  const plain = {
    name: 'sid',
    path: '/',
    domain: undefined,
    maxAgeSeconds: undefined,
    sameSite: undefined,
    secure: false,
    httpOnly: false,
  } as const;
  assert.equal(formatSetCookie(plain, 'v'), 'sid=v; Path=/');
  const whole = {
    ...plain,
    path: '/shop',
    domain: 'shop.example',
    maxAgeSeconds: 3600,
    sameSite: 'None',
    secure: true,
    httpOnly: true,
  } as const;
  assert.equal(
    formatSetCookie(whole, 'v'),
    'sid=v; Path=/shop; Domain=shop.example; Max-Age=3600; SameSite=None; Secure; HttpOnly',
  );
});

test('names, paths and domains that would break the field are refused', () => {
  for (const name of ['sid', '__Host-sid', 'a.b']) assert.ok(isCookieName(name), name);
  for (const name of ['', 'a b', 'a;b', 'a=b', 'a\r\nb', 'ä', 'a'.repeat(129)]) {
    assert.ok(!isCookieName(name), name);
  }
  for (const path of ['/', '/a/b']) assert.ok(isCookiePath(path), path);
  for (const path of ['', 'a', '/a;b', '/a\r\n', '/ä']) assert.ok(!isCookiePath(path), path);
  for (const domain of ['shop.example', 'a-b.c', 'localhost']) assert.ok(isCookieDomain(domain));
  for (const domain of ['', '-a', 'a..b', 'a;b', 'a b', 'a.', 'ä.example']) {
    assert.ok(!isCookieDomain(domain), domain);
  }
});
