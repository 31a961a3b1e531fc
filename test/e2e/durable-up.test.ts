/** What `up` has answered outlives it: objects, addresses and Pods are there again, also after kill -9 and from backups. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { ApiClient } from '../support/api-client.ts';
import { ask, cli, launcher, needsLinux, newHome, type Home } from '../support/cli.ts';
import { start, type Program } from '../support/program.ts';

const skip = needsLinux;
/** Addresses follow the name: the same test twice on one host must not take them from itself between two lives. */
const instance = `d${process.pid}`;

interface Rig {
  readonly home: Home;
  readonly folder: string;
  readonly file: string;
  readonly up: (...args: readonly string[]) => Promise<Program>;
  readonly client: () => ApiClient;
}

function rig(t: TestContext): Rig {
  const home = newHome(t);
  const folder = home.env['HOME'] ?? '';
  const up = async (...args: readonly string[]): Promise<Program> => {
    const program = start(t, [...launcher, 'up', '--instance', instance, ...args], home);
    await program.printed('Ready');
    return program;
  };
  const client = (): ApiClient => {
    const own = new ApiClient(join(folder, '.local/state/switchyard', instance));
    t.after(() => own.close());
    return own;
  };
  return { home, folder, file: join(folder, 'objects.yaml'), up, client };
}

async function end(program: Program): Promise<void> {
  program.kill('SIGTERM');
  assert.equal((await program.ended).status, 0);
}

async function kill(program: Program): Promise<void> {
  program.kill('SIGKILL');
  await program.ended;
}

const configMap = (name: string, value: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}}
data: {value: ${value}}
---`;

const served = (program: string): string => `
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
  annotations: {switchyard.dev/command: ${JSON.stringify(JSON.stringify([process.execPath, program]))}}
spec: {containers: [{name: main, image: none, ports: [{containerPort: 9000}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 9000}]}
---`;

const backend = `require('node:http').createServer((q, r) => r.end(String(process.pid)))
  .listen(Number(process.env.PORT), process.env.HOST);
setInterval(() => { if (process.ppid === 1) process.exit(); }, 100);`;

interface ServiceView {
  readonly frontends: readonly { readonly reachable: readonly string[] }[];
}

const configMaps = '/api/v1/namespaces/default/configmaps';

test(
  'after kill -9 objects, addresses and Pods are there again; what files lost meanwhile is gone',
  { skip },
  async (t) => {
    const { home, folder, file, up, client } = rig(t);
    const program = join(folder, 'backend.cjs');
    writeFileSync(program, backend);
    writeFileSync(file, served(program) + configMap('kept', 'one') + configMap('dropped', 'one'));
    const address = async (): Promise<string> => {
      const views = await ask<readonly ServiceView[]>(t, home, 'get', 'services', 'web');
      return views[0]?.frontends[0]?.reachable[0] ?? '';
    };
    const first = await up('-f', file);
    const made = await client().send('POST', configMaps, {
      metadata: { name: 'by-hand' },
      data: { value: 'mine' },
    });
    assert.equal(made.status, 201);
    const before = await address();
    const oldPid = await (await fetch(`http://${before}`)).text();
    await kill(first);

    writeFileSync(file, served(program) + configMap('kept', 'two'));
    const second = await up('-f', file);
    assert.equal(await address(), before);
    assert.notEqual(await (await fetch(`http://${before}`)).text(), oldPid);
    const again = client();
    const { status, body } = await again.send('GET', configMaps);
    assert.equal(status, 200);
    const items = body.items ?? [];
    assert.deepEqual(
      items.map(({ metadata, data }) => [metadata.name, data?.['value']]),
      [
        ['by-hand', 'mine'],
        ['kept', 'two'],
      ],
    );
    assert.ok(Number(body.metadata.resourceVersion) > Number(made.body.metadata.resourceVersion));
    // The API's own Service leads to where it listens now.
    const slice = await again.send(
      'GET',
      '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes',
    );
    assert.equal(slice.body.ports?.[0]?.port, again.port);
    const namesAt = async (path: string): Promise<readonly string[]> =>
      ((await again.send('GET', path)).body.items ?? []).map(({ metadata }) => metadata.name ?? '');
    assert.deepEqual(await namesAt('/api/v1/namespaces'), ['default', 'kube-system']);
    assert.equal((await namesAt('/api/v1/nodes')).length, 1);
    const listed = await cli(t, home, 'get', 'services', '-A');
    assert.match(listed.stdout, /kube-dns/);
    await end(second);
  },
);

test('--ephemeral keeps nothing, and --data-dir goes with the folder', { skip }, async (t) => {
  const { home, folder, up, client } = rig(t);
  const ephemeral = await up('--ephemeral');
  await client().send('POST', configMaps, { metadata: { name: 'a' } });
  await end(ephemeral);
  const data = join(folder, 'elsewhere');
  const first = await up('--data-dir', data);
  const own = client();
  assert.equal((await own.send('GET', `${configMaps}/a`)).status, 404);
  await own.send('POST', configMaps, { metadata: { name: 'b' } });
  const locked = await cli(t, home, 'up', '--instance', 'other', '--data-dir', data, '-o', 'json');
  assert.notEqual(locked.status, 0);
  assert.match(locked.stderr, /DATABASE_LOCKED/);
  const elsewhere = await cli(t, home, 'up', '--replace', '--instance', instance, '--ephemeral');
  assert.match(elsewhere.stderr, /it keeps its objects in .*elsewhere, not in memory/);
  await end(first);

  // Another process of this host has the addresses the objects have.
  const range = /127\.(\d+)\.0\.10:(?:80)?53/.exec((await first.ended).stdout)?.[1] ?? '';
  const holder = createServer().listen(52_777, `127.${range}.255.254`);
  t.after(() => holder.close());
  await once(holder, 'listening');
  const taken = await cli(t, home, 'up', '--instance', instance, '--data-dir', data);
  assert.match(taken.stderr, /another instance on this host has their addresses/);
  holder.close();
  const last = await up('--data-dir', data);
  assert.equal((await client().send('GET', `${configMaps}/b`)).status, 200);
  await end(last);
});

test(
  'a backup brings everything back, running or not; watchers see it; what is no backup is refused',
  { skip },
  async (t) => {
    const { home, folder, up, client } = rig(t);
    const program = await up();
    const own = client();
    const put = (name: string, value: string): Promise<unknown> =>
      own.send('POST', configMaps, { metadata: { name }, data: { value } });
    await put('kept', 'a');
    await put('changed', 'a');
    await put('deleted', 'a');
    const services = '/api/v1/namespaces/default/services';
    const web = { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } };
    const made = await own.send('POST', services, web);
    const clusterIP = made.body.spec?.clusterIP;
    const backup = join(folder, 'monday.db');
    const did = await cli(t, home, 'backup', backup);
    assert.match(did.stdout, /^\d+ objects written to .*monday\.db\n$/, did.stderr);
    assert.equal(statSync(backup).mode & 0o777, 0o600);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('.switchyard')),
      [],
    );

    await own.send('DELETE', `${configMaps}/deleted`);
    await own.send('DELETE', `${services}/web`);
    // Somebody else takes the address.
    const thief = { metadata: { name: 'thief' }, spec: { clusterIP, ports: [{ port: 80 }] } };
    assert.equal((await own.send('POST', services, thief)).status, 201);
    await put('new', 'b');
    const { body: list } = await own.send('GET', configMaps);
    const from = list.metadata.resourceVersion ?? '';
    const patch = { data: { value: 'b' } };
    const changed = await own.send('PATCH', `${configMaps}/changed`, patch);
    const seen: string[] = [];
    const { promise: all, resolve } = Promise.withResolvers<void>();
    const watching = own.watch(
      `${configMaps}?watch=1&resourceVersion=${from}`,
      ({ type, object }) => {
        seen.push(`${type} ${object.metadata.name} ${object.data?.['value'] ?? ''}`);
        if (seen.length === 4) resolve();
      },
    );

    const damaged = join(folder, 'damaged.db');
    const bytes = readFileSync(backup);
    writeFileSync(damaged, bytes.subarray(0, bytes.length / 2));
    const foreign = join(folder, 'foreign.db');
    writeFileSync(foreign, 'not a database, whatever its name');
    const empty = join(folder, 'empty.db');
    writeFileSync(empty, '');
    for (const file of [damaged, foreign, empty, join(folder, 'missing.db')]) {
      for (const where of [[], ['--data-dir', join(folder, 'unused')]]) {
        const refused = await cli(t, home, 'restore', file, ...where);
        assert.notEqual(refused.status, 0, file);
        assert.match(refused.stderr, /Cannot (use|read) /, file);
      }
    }

    const restored = await cli(t, home, 'restore', backup);
    assert.match(restored.stdout, /^\d+ objects restored from .*monday\.db, \d+ changes\n$/);
    await all;
    assert.deepEqual(seen.slice(0, 1), ['MODIFIED changed b']);
    assert.deepEqual(seen.slice(1).toSorted(), [
      'ADDED deleted a',
      'DELETED new b',
      'MODIFIED changed a',
    ]);
    const { body: after } = await own.send('GET', configMaps);
    assert.deepEqual(
      after.items?.map(({ metadata, data }) => `${metadata.name} ${data?.['value'] ?? ''}`),
      ['changed a', 'deleted a', 'kept a'],
    );
    assert.ok(
      Number(after.metadata.resourceVersion) > Number(changed.body.metadata.resourceVersion),
    );
    const back = await own.send('GET', `${services}/web`);
    assert.equal(back.body.spec?.clusterIP, clusterIP);
    // Its address is taken, as it was then.
    const second = { metadata: { name: 'second' }, spec: { clusterIP, ports: [{ port: 80 }] } };
    assert.equal((await own.send('POST', services, second)).status, 422);
    own.close();
    await end(program);
    await watching;

    const data = join(folder, 'data');
    const into = await cli(t, home, 'restore', backup, '--data-dir', data, '-o', 'json');
    assert.equal(into.status, 0, into.stderr);
    const revived = await up('--data-dir', data);
    assert.equal((await client().send('GET', `${configMaps}/deleted`)).status, 200);
    const busy = await cli(t, home, 'restore', backup, '--data-dir', data);
    assert.match(busy.stderr, /another process has it open/);
    await end(revived);
    // Over what is damaged as well.
    writeFileSync(join(data, 'objects.db'), 'rubbish');
    const refused = await cli(t, home, 'up', '--instance', instance, '--data-dir', data);
    assert.match(refused.stderr, /switchyard restore/);
    assert.equal((await cli(t, home, 'restore', backup, '--data-dir', data)).status, 0);
    const healed = await up('--data-dir', data);
    assert.equal((await client().send('GET', `${configMaps}/deleted`)).status, 200);
    await end(healed);
  },
);
