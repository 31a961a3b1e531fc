/** Names are refused in the API server's sentences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  dnsLabelProblems,
  dnsSubdomainProblems,
  labelValueProblems,
  portNameProblems,
  qualifiedNameProblems,
} from './names.ts';

const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

interface Case {
  readonly check: (text: string) => readonly string[];
  readonly text: string;
  /** The beginning of each sentence. */
  readonly want: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  'a label': { check: dnsLabelProblems, text: 'web-1', want: [] },
  'a label in capitals': { check: dnsLabelProblems, text: 'Bad_Name', want: [labelRule] },
  'a label with dots': { check: dnsLabelProblems, text: 'a.b', want: ['must not contain dots'] },
  'a long label': {
    check: dnsLabelProblems,
    text: 'a'.repeat(64),
    want: ['must be no more than 63 characters'],
  },
  'a subdomain': { check: dnsSubdomainProblems, text: 'a.b-c.d', want: [] },
  'no subdomain': { check: dnsSubdomainProblems, text: '_x_', want: [subdomainRule] },
  'an empty subdomain': { check: dnsSubdomainProblems, text: '', want: [subdomainRule] },
  'a key': {
    check: qualifiedNameProblems,
    text: 'Example.com'.toLowerCase() + '/My.Name',
    want: [],
  },
  'a key with an empty prefix': {
    check: qualifiedNameProblems,
    text: '/a',
    want: ['prefix part must be non-empty'],
  },
  'a key with two slashes': {
    check: qualifiedNameProblems,
    text: 'a/b/c',
    want: ['a qualified name must consist of'],
  },
  'a key without a name': {
    check: qualifiedNameProblems,
    text: 'a/',
    want: ['name part must be non-empty', 'name part must consist of'],
  },
  'a value': { check: labelValueProblems, text: '', want: [] },
  'a value with a space': {
    check: labelValueProblems,
    text: 'y z',
    want: ['a valid label must be'],
  },
  'a port name': { check: portNameProblems, text: 'http-2', want: [] },
  'a long port name': {
    check: portNameProblems,
    text: 'this-name-is-too-long',
    want: ['must be no more than 15 characters'],
  },
  'a port name of digits': {
    check: portNameProblems,
    text: '80',
    want: ['must contain at least one letter (a-z)'],
  },
  'a port name with hyphens': {
    check: portNameProblems,
    text: '-a--b',
    want: ['must not contain consecutive hyphens', 'must not begin or end with a hyphen'],
  },
};

for (const [name, { check, text, want }] of Object.entries(cases)) {
  test(name, () => {
    const found = check(text);
    assert.equal(found.length, want.length, found.join('; '));
    for (const [i, start] of want.entries()) assert.equal(found[i]?.slice(0, start.length), start);
  });
}
