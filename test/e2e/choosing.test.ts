/** Ways to choose and reasons why, with the real program on the demo and on a manifest that does not work. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { cli, launcher, needsLinux, newHome, type Home } from '../support/cli.ts';
import { startDemo } from '../support/instance.ts';
import { start, temporaryFolder } from '../support/program.ts';

interface SpreadJson {
  readonly promise: string;
  readonly kept: boolean;
  readonly shares: readonly { readonly pod: string; readonly connections: number }[];
}

async function spread(
  t: TestContext,
  home: Home,
  name: string,
  count: number,
): Promise<SpreadJson> {
  const ended = await cli(t, home, 'spread', 'service', name, '-n', String(count), '-o', 'json');
  return JSON.parse(ended.stdout) as SpreadJson;
}

test(
  'each Service of the demo spreads as its way to choose promises',
  { skip: needsLinux },
  async (t) => {
    const home = newHome(t);
    const demo = await startDemo(t, launcher, { ...home, name: 'ways' });
    const counts = async (name: string, count: number): Promise<Record<string, number>> => {
      const { kept, shares } = await spread(t, home, name, count);
      assert.equal(kept, true, name);
      return Object.fromEntries(shares.map((share) => [share.pod, share.connections]));
    };
    assert.deepEqual(await counts('catalog', 200), {
      'default/catalog-big': 160,
      'default/catalog-1': 20,
      'default/catalog-2': 20,
    });
    assert.deepEqual(Object.values(await counts('front', 90)), [30, 30, 30]);
    assert.deepEqual(Object.values(await counts('local', 90)), [30, 30, 30]);
    const sticky = Object.values(await counts('cart', 90)).toSorted((a, b) => a - b);
    assert.deepEqual(sticky, [0, 0, 90]);
    for (const name of ['web', 'catalog', 'search', 'cart', 'front', 'local', 'peers', 'partner']) {
      const told = await cli(t, home, 'explain', 'service', name);
      assert.equal(told.status, 0, told.stdout);
      assert.match(told.stdout, new RegExp(`^Service default/${name}: works`));
    }
    const flow = await cli(t, home, 'explain', 'flow', '127.0.0.1', 'web:80');
    assert.match(flow.stdout, /: forwarded/);
    await demo.stop();
  },
);

const sick = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: api-0, labels: {app: web-api}}
spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}
status: {podIP: 127.0.0.1}
`;

test(
  'a Service whose selector misses its Pods is explained, and works once it is mended',
  { skip: needsLinux },
  async (t) => {
    const home = newHome(t);
    const file = join(temporaryFolder(t), 'sick.yaml');
    writeFileSync(file, sick);
    const up = start(t, [...launcher, 'up', '-f', file, '--instance', 'sick'], home);
    await up.printed('Ready');
    const told = await cli(t, home, 'explain', 'service', 'web');
    assert.equal(told.status, 1);
    assert.match(told.stdout, /do: +Select app=web-api, or label the Pod app=web/);
    writeFileSync(file, sick.replace('selector: {app: web}', 'selector: {app: web-api}'));
    const deadline = Date.now() + 20_000;
    for (;;) {
      const now = await cli(t, home, 'explain', 'service', 'web', '-o', 'json');
      if (now.status === 0) break;
      assert.ok(Date.now() < deadline, now.stdout);
    }
    up.kill('SIGTERM');
    assert.equal((await up.ended).status, 0);
  },
);

test(
  'explain of what is not there, or cannot be asked, says so',
  { skip: needsLinux },
  async (t) => {
    const home = newHome(t);
    const demo = await startDemo(t, launcher, { ...home, name: 'ask' });
    const unknown = await cli(t, home, 'explain', 'service', 'wbe');
    assert.equal(unknown.status, 1);
    assert.match(unknown.stdout, /Spelled much like it: web/);
    const malformed = await cli(t, home, 'explain', 'flow', '127.0.0.1', 'web');
    assert.equal(malformed.status, 2);
    await demo.stop();
  },
);
