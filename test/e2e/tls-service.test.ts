/** TLS that ends at the gateway: HTTP/1.1 and HTTP/2, names by SNI, a renewed Secret, and one that is missing or broken. */
import assert from 'node:assert/strict';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { request, Agent } from 'node:https';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { createCertificates } from '../../src/apiserver/certificate.ts';
import { createClusterClient, openAccess } from '../../src/cluster/index.ts';
import { eventKind } from '../../src/kube/index.ts';
import { systemClock } from '../../src/sys/index.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { run, temporaryFolder } from '../support/program.ts';
import { ask, startShop, type Shop } from '../support/shop.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const curl = ['/usr/bin/curl', '/bin/curl'].find((path) => existsSync(path));

const annotations = {
  'switchyard.dev/affinity': 'cookie',
  'switchyard.dev/tls-secret': 'shop-tls',
};

interface Identity {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

function identityFor(...hosts: readonly string[]): Identity {
  const { ca, leaf } = createCertificates({ hosts, nowMs: Date.now() });
  return { ca: ca.cert, certificate: leaf.cert, key: leaf.key };
}

function secretOf(name: string, { certificate, key }: Identity): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name, namespace: 'default' },
    stringData: { 'tls.crt': certificate, 'tls.key': key },
  };
}

/** Secrets as a manifest that `up` reads again when it changes. */
function secretsFile(t: TestContext): {
  readonly path: string;
  write(...secrets: readonly object[]): void;
} {
  const folder = temporaryFolder(t);
  const path = join(folder, 'secrets.json');
  return {
    path,
    write: (...items) => {
      const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
      writeFileSync(join(folder, 'next'), text);
      renameSync(join(folder, 'next'), path);
    },
  };
}

async function startTlsShop(
  t: TestContext,
  secrets: { readonly path: string },
  objects: readonly object[] = [],
): Promise<Shop> {
  const args = ['-f', secrets.path];
  return await startShop(t, annotations, 2, { portName: 'https', objects, args });
}

interface Shaken {
  readonly protocol: string;
  readonly fingerprint: string;
  readonly names: string;
}

/** What a client that asks for the name is shown; undefined when there is no TLS. */
function shake(at: string, servername: string): Promise<Shaken | undefined> {
  const [host = '', port = ''] = at.split(':');
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(port),
      servername,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
      timeout: 5_000,
    });
    const end = (shaken: Shaken | undefined): void => {
      socket.destroy();
      resolve(shaken);
    };
    socket.once('error', () => end(undefined));
    socket.once('timeout', () => end(undefined));
    socket.once('secureConnect', () => {
      const { fingerprint256: fingerprint, subjectaltname: names = '' } =
        socket.getPeerCertificate();
      end({ protocol: String(socket.alpnProtocol), fingerprint, names });
    });
  });
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Asks all the time, on connections that are kept and on new ones; all that went wrong. */
function startAsking(
  t: TestContext,
  at: string,
  ca: readonly string[],
): { readonly failures: string[]; readonly count: () => number; stop(): Promise<void> } {
  const failures: string[] = [];
  const agents = [
    new Agent({ keepAlive: true, maxSockets: 1 }),
    new Agent({ keepAlive: false }),
  ] as const;
  let count = 0;
  let stopping = false;
  const one = (agent: Agent): Promise<void> =>
    new Promise((resolve) => {
      const failed = (thrown: unknown): void => {
        failures.push(String(thrown));
        resolve();
      };
      const options = { agent, ca: [...ca], servername: 'shop.default', timeout: 10_000 };
      const asked = request(`https://${at}/`, options, (response) => {
        if (response.statusCode !== 200) failures.push(`status ${response.statusCode}`);
        response.once('error', failed);
        response.once('end', () => resolve(void count++)).resume();
      });
      asked.once('timeout', () => asked.destroy(new Error('no answer in time')));
      asked.once('error', failed).end();
    });
  const running = agents.map(async (agent) => {
    while (!stopping && failures.length < 5) await one(agent);
    agent.destroy();
  });
  const stop = async (): Promise<void> => {
    stopping = true;
    await Promise.all(running);
  };
  t.after(stop);
  return { failures, count: () => count, stop };
}

test(
  'HTTP/1.1 and HTTP/2 over TLS; a renewed Secret fails no request',
  { skip: linux },
  async (t) => {
    const secrets = secretsFile(t);
    const old = identityFor('shop.default');
    const renewed = identityFor('shop.default');
    secrets.write(secretOf('shop-tls', old));
    const { at } = await startTlsShop(t, secrets);
    const before = await shake(at, 'shop.default');
    assert.deepEqual([before?.protocol, before?.names], ['h2', 'DNS:shop.default']);
    const load = startAsking(t, at, [old.ca, renewed.ca]);
    const more = async (n: number): Promise<void> => {
      const goal = load.count() + n;
      await until(async () => load.count() >= goal || load.failures.length > 0, 'requests go on');
    };
    await more(20);
    secrets.write(secretOf('shop-tls', renewed));
    await until(
      async () => (await shake(at, 'shop.default'))?.fingerprint !== before?.fingerprint,
      'new clients are shown the new certificate',
    );
    await more(20);
    await load.stop();
    assert.deepEqual(load.failures, [], 'no request fails');
  },
);

test(
  'curl over TLS: the certificate holds for the name, and the cookie is for TLS only',
  { skip: linux === false ? curl === undefined && 'curl is not installed' : linux },
  async (t) => {
    const secrets = secretsFile(t);
    const identity = identityFor('shop.default');
    secrets.write(secretOf('shop-tls', identity));
    const { at } = await startTlsShop(t, secrets);
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'ca.crt'), identity.ca);
    const [address = '', port = ''] = at.split(':');
    const asked = async (version: string): Promise<string> => {
      const name = `shop.default:${port}`;
      const command = [curl ?? '', '-sS', '-i', version, '--max-time', '10', '--cacert', 'ca.crt'];
      const to = ['--resolve', `${name}:${address}`, `https://${name}/`];
      const ended = await run(t, [...command, ...to], { cwd: folder });
      assert.equal(ended.status, 0, ended.stderr);
      return ended.stdout;
    };
    for (const [version, line] of [
      ['--http1.1', /^HTTP\/1\.1 200/],
      ['--http2', /^HTTP\/2 200/],
    ] as const) {
      const answer = await asked(version);
      assert.match(answer, line);
      assert.match(answer, /^set-cookie: sy-[^\r]*; Secure; HttpOnly\r?$/im);
    }
  },
);

test(
  'one port for all: the name that is asked for chooses the certificate',
  { skip: linux },
  async (t) => {
    const secrets = secretsFile(t);
    secrets.write(
      secretOf('shop-tls', identityFor('shop.default')),
      secretOf('cart-tls', identityFor('cart.default', '*.cart.example')),
    );
    const cart = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'cart',
        namespace: 'default',
        annotations: { ...annotations, 'switchyard.dev/tls-secret': 'cart-tls' },
      },
      spec: {
        selector: { app: 'shop' },
        ports: [{ name: 'https', port: 8443, targetPort: 'https' }],
      },
    };
    const shop = await startTlsShop(t, secrets, [cart]);
    const args = ['--listen-tls', '127.0.0.1:0'];
    const gateway = await startGatewayProcess(t, shop, { name: 'tls', args });
    const at = /over TLS at (\S+)/.exec(gateway.said)?.[1] ?? '';
    const shown = async (name: string): Promise<string | undefined> =>
      (await shake(at, name))?.names;
    assert.equal(await shown('shop.default'), 'DNS:shop.default');
    assert.equal(await shown('cart.default'), 'DNS:cart.default, DNS:*.cart.example');
    assert.equal(await shown('www.cart.example'), 'DNS:cart.default, DNS:*.cart.example');
    const plain = await ask(gateway.at, { agent: false, host: 'shop.default' });
    assert.equal(plain.status, 421, 'what is served over TLS is not given without');
    assert.match(plain.text, /over TLS only/);
  },
);

test(
  'a Secret that is missing or broken is told on the Service, and mended without a restart',
  { skip: linux },
  async (t) => {
    const secrets = secretsFile(t);
    secrets.write();
    const shop = await startTlsShop(t, secrets);
    const access = await openAccess({
      kubeconfig: shop.kubeconfig,
      context: undefined,
      inCluster: undefined,
      clock: systemClock,
    });
    const parts = { access, clock: systemClock, random: Math.random, userAgent: 'test' };
    const client = createClusterClient(parts);
    t.after(() => client.close());
    const isTold = (what: RegExp) => async (): Promise<boolean> => {
      const { items } = await client.list(eventKind, { namespace: 'default' });
      return items.some(
        ({ reason, message = '' }) => reason === 'GatewayLacks' && what.test(message),
      );
    };
    await until(isTold(/Port https .*Secret default\/shop-tls does not exist/), 'it is told');
    assert.match(
      await shop.cli('explain', 'service', 'shop'),
      /Secret default\/shop-tls does not exist/,
    );
    assert.equal(await shake(shop.at, 'shop.default'), undefined, 'its connections are balanced');
    assert.equal((await ask(shop.at, { agent: false })).status, 200, 'as they are, to the Pods');

    const good = identityFor('shop.default');
    secrets.write(secretOf('shop-tls', good));
    await until(async () => (await shake(shop.at, 'shop.default')) !== undefined, 'it is served');
    assert.doesNotMatch(await shop.cli('explain', 'service', 'shop'), /shop-tls/);

    secrets.write(secretOf('shop-tls', { ...good, key: identityFor('other').key }));
    await until(isTold(/a key that does not belong to its certificate/), 'it is told');
    assert.equal(
      (await shake(shop.at, 'shop.default'))?.names,
      'DNS:shop.default',
      'the one before goes on',
    );
  },
);
