/** A running Switchyard with one HTTP Service, `shop`, whose Pods keep sessions in memory: for tests of requests. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { request, type Agent } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { emptyHome, run, start, temporaryFolder, type Program } from './program.ts';
import { root } from './tree.ts';

const launcher = [join(root, 'switchyard')];

/** Answers `POD VERSION VISITS`: how often this process was asked with the user's name. */
const backend = `
const http = require('node:http');
const { HOST, PORT, POD_NAME, VERSION = '1' } = process.env;
const visits = new Map();
http.createServer((request, response) => {
  const user = new URL(request.url, 'http://x').searchParams.get('user') ?? '';
  if (user !== '') visits.set(user, (visits.get(user) ?? 0) + 1);
  if (request.url === '/page') {
    response.setHeader('content-type', 'text/html');
    response.end('<p id=o>waiting</p><script>(async () => { const seen = [];' +
      'for (let i = 0; i < 10; i++) seen.push((await (await fetch("/?user=browser")).text()).split(" ")[0]);' +
      'document.getElementById("o").textContent = "SEEN " + seen.join(","); })();</script>');
    return;
  }
  response.end([POD_NAME, VERSION, visits.get(user) ?? 0].join(' '));
}).listen(Number(PORT), HOST);
`;

export interface ShopEndpoint {
  readonly address: string;
  readonly pod: string;
  readonly state: string;
  readonly connections: number;
}

export interface Shop {
  /** `HOST:PORT` of the Service. */
  readonly at: string;
  readonly program: Program;
  /** Where its processes run, and with which environment. */
  readonly home: { readonly cwd: string; readonly env: NodeJS.ProcessEnv };
  readonly kubeconfig: string;
  /** A command that must succeed; its output. */
  cli(...args: readonly string[]): Promise<string>;
  endpoints(): Promise<readonly ShopEndpoint[]>;
  /** Scales and waits until exactly so many are ready and nothing else is left. */
  scale(replicas: number): Promise<readonly string[]>;
  /** Replaces every Pod, one after the other. */
  restart(): Promise<readonly string[]>;
}

export async function startShop(
  t: TestContext,
  annotations: Readonly<Record<string, string>>,
  replicas: number,
  {
    portName = 'http',
    serves = backend,
    objects = [],
    args = [],
  }: {
    portName?: string;
    serves?: string;
    /** Besides those of the shop. */
    objects?: readonly object[];
    /** Of `up`. */
    args?: readonly string[];
  } = {},
): Promise<Shop> {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'server.cjs'), serves);
  const command = `exec '${process.execPath}' '${join(folder, 'server.cjs')}'`;
  writeFileSync(
    join(folder, 'shop.json'),
    JSON.stringify(manifest({ annotations, replicas, command, portName, objects })),
  );
  const kubeconfig = join(folder, 'kubeconfig');
  const home = { cwd: folder, env: emptyHome(temporaryFolder(t)) };
  const program = start(
    t,
    [...launcher, 'up', '-f', 'shop.json', '--kubeconfig-out', kubeconfig, ...args],
    home,
  );
  await program.printed('Ready');
  const cli = async (...args: readonly string[]): Promise<string> => {
    const ended = await run(t, [...launcher, ...args, '--instance', 'default'], home);
    assert.equal(ended.status, 0, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
    return ended.stdout;
  };
  const endpoints = async (): Promise<readonly ShopEndpoint[]> =>
    JSON.parse(await cli('get', 'endpoints', 'shop', '-o', 'json')) as readonly ShopEndpoint[];
  const settled = async (
    isWanted: (pods: readonly string[]) => boolean,
  ): Promise<readonly string[]> => {
    const deadline = Date.now() + 40_000;
    for (;;) {
      const now = await endpoints();
      const pods = now.map(({ pod }) => pod.split('/')[1] ?? '');
      if (now.every(({ state }) => state === 'ready') && isWanted(pods)) return pods;
      assert.ok(Date.now() < deadline, `still ${JSON.stringify(now)}`);
    }
  };
  let version = 1;
  await settled((pods) => pods.length === replicas);
  const services = JSON.parse(await cli('get', 'services', 'shop', '-o', 'json')) as readonly {
    readonly frontends: readonly { readonly reachable: readonly string[] }[];
  }[];
  return {
    at: services[0]?.frontends[0]?.reachable[0] ?? '',
    program,
    home,
    kubeconfig,
    cli,
    endpoints,
    scale: async (count) => {
      await cli('scale', 'deployment/shop', '--replicas', String(count));
      return await settled((pods) => pods.length === count);
    },
    restart: async () => {
      const old = await endpoints();
      await cli('bind', 'deployment/shop', '--command', `VERSION=${++version} ${command}`);
      return await settled(
        (pods) =>
          pods.length === old.length &&
          !old.some(({ pod }) => pods.includes(pod.split('/')[1] ?? '')),
      );
    },
  };
}

interface Wanted {
  readonly annotations: Readonly<Record<string, string>>;
  readonly replicas: number;
  readonly command: string;
  readonly portName: string;
  readonly objects: readonly object[];
}

function manifest({ annotations, replicas, command, portName, objects }: Wanted): object {
  const labels = { app: 'shop' };
  const metadata = { name: 'shop', namespace: 'default' };
  const ports = [{ name: portName, containerPort: 8080 }];
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      ...objects,
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { ...metadata, annotations },
        spec: { selector: labels, ports: [{ name: portName, port: 8080, targetPort: portName }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: {
          replicas,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels, annotations: { 'switchyard.dev/command': command } },
            spec: {
              terminationGracePeriodSeconds: 5,
              containers: [{ name: 'app', image: 'shop', ports }],
            },
          },
        },
      },
    ],
  };
}

export interface Answer {
  readonly status: number;
  readonly pod: string;
  readonly text: string;
  /** The `name=value` of each Set-Cookie. */
  readonly cookies: readonly string[];
}

/** One request; `cookie` as a browser would send it back. */
export function ask(
  at: string,
  {
    agent,
    cookie,
    path = '/',
    host,
  }: {
    agent: Agent | false;
    cookie?: string | undefined;
    path?: string;
    host?: string | undefined;
  },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(cookie === undefined ? {} : { cookie }),
      ...(host === undefined ? {} : { host }),
    };
    const asked = request(
      `http://${at}${path}`,
      { agent, headers, timeout: 10_000 },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.once('error', reject);
        response.once('end', () => {
          const set = response.headers['set-cookie'] ?? [];
          resolve({
            status: response.statusCode ?? 0,
            pod: text.split(' ')[0] ?? '',
            text,
            cookies: set.map((field) => field.split(';')[0] ?? ''),
          });
        });
      },
    );
    asked.once('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.once('error', reject);
    asked.end();
  });
}
