/** Names of a running instance: asked over DNS, and reached by them through the door. */
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import process from 'node:process';
import { test } from 'node:test';
import { emptyHome, run, start, temporaryFolder } from '../support/program.ts';
import { root } from '../support/tree.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const name = 'web.default.svc.cluster.local';

test(
  'a Service by its name, resolved and balanced through the door',
  { skip: linux },
  async (t) => {
    const home = { cwd: root, env: emptyHome(temporaryFolder(t)) };
    const command = ['./switchyard', 'up', '--demo', '--instance', 'names'];
    const up = start(t, command, home);
    const text = await up.printed('Ready');
    const server = /answered at (127\.0\.0\.1:[0-9]+)\n/.exec(text)?.[1];
    const door = /(socks5h:\/\/127\.0\.0\.1:[0-9]+)\n/.exec(text)?.[1];
    assert.ok(server !== undefined && door !== undefined, text);
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    resolver.setServers([server]);
    const [address] = await resolver.resolve4(name);
    assert.ok(text.includes(` ${address}:80`), text);
    await assert.rejects(resolver.resolve4(`none.${name}`), { code: 'ENOTFOUND' });
    const seen = new Map<string, number>();
    const first = await run(
      t,
      ['curl', '-sS', '-m', '10', '-x', door, `http://${name}`],
      home,
    ).catch(() => undefined);
    if (first === undefined) {
      t.diagnostic('curl is not on this host: the door is not tried');
    } else {
      for (let i = 0; i < 6; i++) {
        const { stdout } = await run(
          t,
          ['curl', '-sS', '-m', '10', '-x', door, 'http://web'],
          home,
        );
        seen.set(stdout, (seen.get(stdout) ?? 0) + 1);
      }
      assert.deepEqual([...seen.values()], [2, 2, 2]);
    }
    up.kill('SIGINT');
    assert.equal((await up.ended).status, 0);
  },
);
