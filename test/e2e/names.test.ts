/** Names of a running instance: asked over DNS, and reached by them through the door. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { emptyHome, run, start, temporaryFolder } from '../support/program.ts';
import { root } from '../support/tree.ts';

/** A browser that knows of nothing but the door; Chromium as root wants no sandbox. */
async function browse(t: TestContext, door: string): Promise<void> {
  const seen = new Map<string, number>();
  for (const proxy of [door.replace('socks5h', 'socks5'), door.replace('socks5h', 'http')]) {
    for (let i = 0; i < 3; i++) {
      const command = [
        'chromium',
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-dev-shm-usage',
        `--user-data-dir=${temporaryFolder(t)}`,
        `--proxy-server=${proxy}`,
        '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
        '--dump-dom',
        `http://${name}/`,
      ];
      const { stdout, stderr } = await run(t, command, { cwd: root });
      const pod = /Hello from (\S+)/.exec(stdout)?.[1];
      assert.ok(pod !== undefined, `${proxy}\n${stdout}\n${stderr}`);
      seen.set(pod, (seen.get(pod) ?? 0) + 1);
    }
  }
  // A browser also asks for an icon, and opens connections it may not need: turns are not exact then.
  assert.ok(seen.size >= 2, JSON.stringify([...seen]));
}

function whyNoChromium(): string | false {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const isThere = folders.some((folder) => existsSync(join(folder, 'chromium')));
  return isThere ? false : 'chromium is not on this host';
}

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
    await t.test('Chromium', { skip: whyNoChromium() }, (sub) => browse(sub, door));
    up.kill('SIGINT');
    assert.equal((await up.ended).status, 0);
  },
);
