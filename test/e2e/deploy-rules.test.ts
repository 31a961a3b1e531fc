/** The rules in deploy/ are those that the commands need: each runs under exactly its own, and uses all of them. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { nodeKind, serviceKind } from '../../src/kube/index.ts';
import { emptyHome, start, temporaryFolder } from '../support/program.ts';
import { refusedBy, ScriptedApi, type AccessRule } from '../support/scripted-api.ts';
import { root } from '../support/tree.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';

function rulesOf(file: string): readonly AccessRule[] {
  const documents = parseAllDocuments(readFileSync(join(root, 'deploy', file), 'utf8'));
  const rules = documents
    .map((document) => document.toJS() as { kind: string; rules: readonly AccessRule[] })
    .flatMap(({ kind, rules }) => (kind === 'ClusterRole' || kind === 'Role' ? rules : []));
  assert.ok(rules.length > 0);
  return rules;
}

/** `list services` of each thing a role allows. */
function allowed(rules: readonly AccessRule[]): readonly string[] {
  return rules
    .flatMap(({ resources, verbs }) => resources.flatMap((one) => verbs.map((v) => `${v} ${one}`)))
    .toSorted();
}

const commands: Readonly<Record<string, { args: readonly string[]; unasked: readonly string[] }>> =
  {
    'proxy.yaml': {
      args: ['proxy', '--node', 'node-a', '--healthz', '127.0.0.1:0', '--metrics', 'none'],
      // Events come when something cannot be served, which nothing here is.
      unasked: ['create events', 'delete events', 'patch events'],
    },
    'dns.yaml': { args: ['dns', '--listen', '127.0.0.219:0'], unasked: [] },
    'gateway.yaml': {
      args: ['gateway', '--listen', '127.0.0.219:0'],
      // The key is changed after 30 days; Events come when a certificate is missing, which none is.
      unasked: ['create events', 'delete events', 'patch events', 'update secrets'],
    },
  };

for (const [file, { args, unasked }] of Object.entries(commands)) {
  test(`${file}: the command runs under its rules and needs each`, { skip: linux }, async (t) => {
    const rules = rulesOf(file);
    const api = new ScriptedApi({ faultOf: (request) => refusedBy(rules, request) });
    await api.start();
    t.after(() => api.stop());
    api.set(nodeKind, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } });
    api.set(serviceKind, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
    });
    const folder = temporaryFolder(t);
    const kubeconfig = join(folder, 'kubeconfig');
    const name = 'test';
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        'current-context': name,
        contexts: [{ name, context: { cluster: name } }],
        clusters: [{ name, cluster: { server: api.url } }],
      }),
    );
    const command = ['./switchyard', ...args, '--kubeconfig', kubeconfig];
    const program = start(t, command, { cwd: root, env: emptyHome(folder) });
    await program.printed('Ready');
    const deadline = Date.now() + 10_000;
    const asked = (): readonly string[] =>
      [...new Set(api.requests.map(({ verb, kind }) => `${verb} ${kind.plural}`))].toSorted();
    const wanted = allowed(rules).filter((one) => !unasked.includes(one));
    while (asked().length < wanted.length && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(asked(), wanted);
    program.kill('SIGTERM');
    const ended = await program.ended;
    assert.equal(ended.status, 0, ended.stderr);
    assert.doesNotMatch(ended.stderr, /Forbidden/);
  });
}
