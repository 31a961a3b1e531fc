/** A first list that takes long: `switchyard proxy` says what it waits for and how far it is, to a pipe and to a terminal. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { nodeKind, serviceKind, type Service } from '../../src/kube/index.ts';
import { testService } from '../../src/cluster/testing.ts';
import { emptyHome, start, temporaryFolder } from '../support/program.ts';
import { ScriptedApi } from '../support/scripted-api.ts';
import { root } from '../support/tree.ts';

const linux = process.platform === 'linux' ? undefined : 'needs all of 127/8, which only Linux has';
const script = ['/usr/bin/script', '/bin/script'].find((path) => existsSync(path));

/** Three pages. */
const services = 1_200;

interface Output {
  readonly skip: string | false;
  readonly command: (argv: readonly string[]) => readonly string[];
}

const outputs: Readonly<Record<string, Output>> = {
  'a pipe': { skip: linux ?? false, command: (argv) => argv },
  'a terminal': {
    skip: linux ?? (script === undefined ? 'needs script, of util-linux' : false),
    command: (argv) => [script ?? '', '-qefc', argv.join(' '), '/dev/null'],
  },
};

for (const [where, { skip, command }] of Object.entries(outputs)) {
  test(`progress is told to ${where}`, { skip, timeout: 60_000 }, async (t) => {
    const told = Promise.withResolvers<void>();
    let pages = 0;
    const api = new ScriptedApi({
      // The first page comes at once, the second when the test has seen that somebody waits.
      holdOf: ({ verb, kind }) =>
        verb === 'list' && kind === serviceKind && ++pages > 1 ? told.promise : undefined,
    });
    await api.start();
    t.after(() => {
      told.resolve();
      api.stop();
    });
    api.set(nodeKind, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } });
    for (let i = 0; i < services; i++) {
      // Nothing to listen at: it is the list that is to take long.
      const spec: Service['spec'] = { type: 'ExternalName', externalName: 'there' };
      const service: Service = { ...testService(i), spec };
      api.set(serviceKind, service);
    }
    const folder = temporaryFolder(t);
    const kubeconfig = join(folder, 'config');
    const name = 'here';
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        'current-context': name,
        contexts: [{ name, context: { cluster: name } }],
        clusters: [{ name, cluster: { server: api.url } }],
      }),
    );
    const places = '--node node-a --mode userspace --healthz none --metrics none -o json';
    const argv = ['./switchyard', 'proxy', '--kubeconfig', kubeconfig, ...places.split(' ')];
    const program = start(t, command(argv), { cwd: root, env: emptyHome(folder) });
    await program.printed('Waiting for the first list');
    told.resolve();
    const text = await program.printed('"servicePorts"');
    assert.match(text, /INFO +Waiting for the first list .*of=services/i);
    // Of whichever kind: at most one line a second.
    assert.match(text, /info +Listing .*kind=[a-z]+ count=\d+/);
    program.kill('SIGTERM');
    const { stdout } = await program.ended;
    // Data alone on stdout: a terminal has but one stream.
    if (where === 'a pipe') {
      const { objects } = JSON.parse(stdout) as { readonly objects: Record<string, number> };
      assert.equal(objects['services'], services);
    }
  });
}
