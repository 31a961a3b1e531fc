/** The real kubectl finds Switchyard as its plugin, by the name that the package installs, and passes everything on. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { clusterTools, runTool } from '../support/kubectl.ts';
import { temporaryFolder } from '../support/program.ts';
import { root } from '../support/tree.ts';

test('kubectl switchyard', async (t) => {
  const tools = await clusterTools();
  if (typeof tools === 'string') return t.skip(tools);
  const folder = temporaryFolder(t);
  const { bin, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>;
    readonly version: string;
  };
  const name = Object.keys(bin).find((each) => each.startsWith('kubectl-'));
  assert.ok(name !== undefined);
  // What npm makes of `bin` leads to the compiled program; this one to the sources, which need no build.
  const plugin = join(folder, name);
  writeFileSync(plugin, `#!/bin/sh\nexec '${join(root, 'switchyard')}' "$@"\n`);
  chmodSync(plugin, 0o755);
  const env = { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
  const kubectl = (...args: readonly string[]): ReturnType<typeof runTool> =>
    runTool(tools.kubectl, { args, kubeconfig: join(folder, 'none'), home: folder, env });
  const listed = await kubectl('plugin', 'list');
  assert.match(listed.stdout, new RegExp(`/${name}\n`));
  const said = await kubectl('switchyard', '--version');
  assert.deepEqual([said.code, said.stdout.trim()], [0, version]);
  const wrong = await kubectl('switchyard', 'explain', 'nothing');
  assert.equal(wrong.code, 2, wrong.stderr);
  const help = await kubectl('switchyard', 'proxy', '--help');
  assert.match(help.stdout, /--nodeport-addresses/);
});
