/** The control socket end to end: a server with a made-up source, and clients over a real Unix socket. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CodedError } from '../model/index.ts';
import { silentLogger, type Component, type Logger } from '../obs/index.ts';
import { requestLocal, serveLocal } from '../sys/net/index.ts';
import { createControlClient, type ControlClient } from './client.ts';
import { ControlError } from './errors.ts';
import {
  chooseInstance,
  controlSocket,
  findInstances,
  instanceFolder,
  type UserFolders,
} from './instance.ts';
import { createControlServer, type ControlSource } from './server.ts';
import type {
  ExplainView,
  InstanceView,
  ServiceFilter,
  SpreadRequest,
  SpreadView,
} from './protocol.ts';

const view: InstanceView = {
  instance: 'default',
  pid: 1234,
  version: '0.1.0',
  startedAt: '2026-01-02T03:04:05.000Z',
  driver: 'userspace',
  planRevision: 7,
  components: [{ name: 'control', state: 'ready', detail: 'ünïcode' }],
};

const spread: SpreadView = {
  namespace: 'default',
  service: 'web',
  port: '',
  protocol: 'TCP',
  target: '127.96.0.1:80',
  scheduler: 'rr',
  affinity: 'none',
  requested: 3,
  connected: 3,
  failed: 0,
  failures: [],
  tookMs: 5,
  shares: [],
  promise: 'turns',
  chance: 1,
  kept: true,
  exact: true,
};

const explained: ExplainView = {
  explanation: {
    kind: 'service',
    namespace: 'default',
    name: 'web',
    verdict: 'works',
    steps: [],
    findings: [],
  },
  text: 'Service default/web: works\n',
};

const asked: SpreadRequest = {
  namespace: 'default',
  service: 'web',
  port: undefined,
  connections: 3,
  concurrency: 1,
};

function source(change: Partial<ControlSource> = {}): ControlSource {
  return {
    instance: () => view,
    services: () => [],
    endpoints: () => [],
    traffic: () => ({ atMs: 5, planRevision: 7, limited: undefined, endpoints: [] }),
    metrics: async () => ({ address: undefined, text: '' }),
    plan: () => ({
      revision: 7,
      node: { name: 'n', zone: undefined, serviceRanges: [] },
      servers: [],
    }),
    spread: async () => spread,
    explain: async () => explained,
    audit: async () => ({ driver: 'userspace', deviations: [] }),
    ...change,
  };
}

function home(t: TestContext): UserFolders {
  const folder = mkdtempSync(join(tmpdir(), 'sy-control-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { xdgRuntimeDir: join(folder, 'run'), home: join(folder, 'home') };
}

interface Started {
  readonly server: Component;
  readonly client: ControlClient;
  readonly socketPath: string;
}

async function start(
  t: TestContext,
  change: Partial<ControlSource> = {},
  {
    folders = home(t),
    instance = 'default',
    log = silentLogger,
    isStarting = (): boolean => false,
  } = {},
): Promise<Started> {
  const folder = instanceFolder(folders, instance);
  const of = { folder, instance, source: source(change), isStarting, log };
  const server = createControlServer(of);
  await server.start(new AbortController().signal);
  t.after(() => server.stop());
  const socketPath = controlSocket(folder);
  return { server, client: createControlClient(socketPath), socketPath };
}

const code = (wanted: string, message?: RegExp) => (thrown: unknown) => {
  assert.ok(thrown instanceof CodedError, String(thrown));
  assert.equal(thrown.code, wanted);
  if (message !== undefined) assert.match(thrown.message, message);
  return true;
};

test('while it starts an instance tells of itself, and of nothing else', async (t) => {
  let isStarting = true;
  const { client } = await start(t, { services: () => [] }, { isStarting: () => isStarting });
  assert.deepEqual(await client.instance(), view);
  await assert.rejects(
    client.services({ namespace: undefined, name: undefined }),
    code('CONTROL_STARTING', /instance default is starting/),
  );
  isStarting = false;
  assert.deepEqual(await client.services({ namespace: undefined, name: undefined }), []);
});

test('a client reads every view', async (t) => {
  const filters: ServiceFilter[] = [];
  const { client, server } = await start(t, {
    services: (filter) => {
      filters.push(filter);
      return [];
    },
    endpoints: (filter) => {
      filters.push(filter);
      return [];
    },
  });
  assert.equal(server.status().state, 'ready');
  assert.deepEqual(await client.instance(), view);
  assert.equal((await client.plan()).revision, 7);
  assert.deepEqual(await client.services({ namespace: 'a&b', name: undefined }), []);
  assert.deepEqual(await client.endpoints({ namespace: undefined, name: 'web' }), []);
  assert.deepEqual(filters, [
    { namespace: 'a&b', name: undefined },
    { namespace: undefined, name: 'web' },
  ]);
});

test('an answer of many megabytes with characters of several bytes arrives whole', async (t) => {
  const detail = 'ä→😀'.repeat(1_000);
  const components = Array.from({ length: 500 }, (_, i) => ({ name: `c${i}`, state: 'x', detail }));
  const { client } = await start(t, { instance: () => ({ ...view, components }) });
  assert.deepEqual((await client.instance()).components, components);
});

test('a spread tells its progress while it runs, then its result', async (t) => {
  const { promise: seen, resolve: sawProgress } = Promise.withResolvers<void>();
  const requests: SpreadRequest[] = [];
  const { client } = await start(t, {
    spread: async (request, { onProgress }) => {
      requests.push(request);
      onProgress({ done: 1, total: 3 });
      await seen;
      onProgress({ done: 3, total: 3 });
      return spread;
    },
  });
  const progress: number[] = [];
  const result = await client.spread(asked, {
    onProgress: (done) => {
      progress.push(done);
      sawProgress();
    },
  });
  assert.deepEqual(result, spread);
  assert.deepEqual(progress, [1, 3]);
  assert.equal(requests[0]?.service, 'web');
  assert.equal(requests[0]?.port, undefined);
});

test('a refusal keeps its code, remedy and details on the way', async (t) => {
  const refusal = new ControlError('CONTROL_PORT_NEEDED', 'Cannot measure: several ports', {
    remedy: 'Name one',
    details: ['port 80 TCP', 'port 81 TCP'],
  });
  const refuse = (): never => {
    throw refusal;
  };
  const { client } = await start(t, { services: refuse, spread: async () => refuse() });
  const same = (thrown: unknown): boolean => {
    assert.ok(thrown instanceof CodedError && 'details' in thrown);
    assert.deepEqual(
      [thrown.code, thrown.message, thrown.remedy, thrown.details],
      [refusal.code, refusal.message, refusal.remedy, refusal.details],
    );
    return true;
  };
  await assert.rejects(client.services({ namespace: undefined, name: undefined }), same);
  await assert.rejects(client.spread(asked), same);
});

test('a bug behind the socket is logged there and answered as CONTROL_FAILED', async (t) => {
  const logged: unknown[] = [];
  const log: Logger = { ...silentLogger, error: (_message, fields) => logged.push(fields) };
  const bug = new TypeError('x is not a function');
  const { client } = await start(
    t,
    {
      plan: () => {
        throw bug;
      },
    },
    { log },
  );
  await assert.rejects(client.plan(), code('CONTROL_FAILED', /x is not a function/));
  assert.deepEqual(logged, [{ error: bug }]);
});

test('a client that goes away aborts the measurement', async (t) => {
  const { promise: began, resolve: begin } = Promise.withResolvers<void>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const { client } = await start(t, {
    spread: async (_request, { signal }) => {
      begin();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      end();
      return spread;
    },
  });
  const giveUp = new AbortController();
  const call = client.spread(asked, { signal: giveUp.signal });
  const outcome = assert.rejects(call, code('CONTROL_FAILED'));
  await began;
  giveUp.abort();
  await outcome;
  await ended;
});

const badRequests: Record<string, [Partial<Record<keyof SpreadRequest, unknown>>, RegExp]> = {
  'no connections': [{ connections: 0 }, /connections must be a whole number from 1 to/],
  'too many': [{ connections: 1e9 }, /connections/],
  fraction: [{ concurrency: 1.5 }, /concurrency/],
  'no name': [{ service: '' }, /service must be a string/],
  'port of a wrong type': [{ port: 80 }, /port must be a string/],
};
for (const [name, [change, message]] of Object.entries(badRequests)) {
  test(`the server refuses a spread request with ${name}`, async (t) => {
    const { socketPath } = await start(t);
    const reply = await requestLocal(socketPath, {
      method: 'POST',
      url: '/spread',
      headers: { 'switchyard-control': '1' },
      body: { ...asked, ...change },
      timeoutMs: 5_000,
    });
    assert.equal(reply.status, 400);
    assert.match(JSON.stringify(reply.body), message);
    assert.match(JSON.stringify(reply.body), /CONTROL_BAD_REQUEST/);
  });
}

test('another protocol version is refused before anything is done', async (t) => {
  let spreads = 0;
  const { socketPath } = await start(t, {
    spread: async () => {
      spreads++;
      return spread;
    },
  });
  const reply = await requestLocal(socketPath, {
    method: 'POST',
    url: '/spread',
    headers: { 'switchyard-control': '99' },
    body: asked,
    timeoutMs: 5_000,
  });
  assert.equal(reply.status, 400);
  assert.match(JSON.stringify(reply.body), /CONTROL_VERSION_MISMATCH.*is Switchyard 0\.1\.0/);
  assert.equal(spreads, 0);
});

test('a question that does not exist is refused by name', async (t) => {
  const { socketPath } = await start(t);
  const reply = await requestLocal(socketPath, {
    method: 'GET',
    url: '/nonsense',
    headers: { 'switchyard-control': '1' },
    timeoutMs: 5_000,
  });
  assert.match(JSON.stringify(reply.body), /CONTROL_BAD_REQUEST.*GET \/nonsense/);
});

test('somebody else behind the socket is told from a Switchyard', async (t) => {
  const folders = home(t);
  const path = controlSocket(instanceFolder(folders, 'default'));
  const other = await serveLocal(path, async () => ({
    kind: 'json',
    status: 200,
    body: ['hello'],
  }));
  t.after(() => other.close());
  await assert.rejects(createControlClient(path).instance(), code('CONTROL_FAILED'));
});

test('a name that is taken is refused; it is free again after stop', async (t) => {
  const folders = home(t);
  const { server, client } = await start(t, {}, { folders });
  await assert.rejects(start(t, {}, { folders }), code('CONTROL_INSTANCE_TAKEN', /default/));
  assert.equal((await client.instance()).pid, 1234);
  await server.stop();
  await server.stop();
  assert.equal(server.status().state, 'stopped');
  await assert.rejects(client.instance(), code('CONTROL_NOT_RUNNING'));
  await start(t, {}, { folders });
});

test('the only instance is chosen, in either folder', async (t) => {
  const folders = home(t);
  await start(t, {}, { folders: { ...folders, xdgRuntimeDir: undefined }, instance: 'shop' });
  const found = await chooseInstance(folders, undefined);
  assert.equal(found.name, 'shop');
  assert.deepEqual(found.view, view);
  assert.ok(found.socketPath.includes('.local/state/switchyard/shop'));
});

test('several need a name and are listed; a name chooses', async (t) => {
  const folders = home(t);
  await start(t, {}, { folders, instance: 'b' });
  await start(t, {}, { folders, instance: 'a' });
  assert.deepEqual(
    (await findInstances(folders)).map(({ name }) => name),
    ['a', 'b'],
  );
  await assert.rejects(chooseInstance(folders, undefined), (thrown) => {
    code('CONTROL_SEVERAL_RUNNING')(thrown);
    assert.ok(thrown instanceof ControlError);
    assert.deepEqual(thrown.details, [
      'a  pid 1234, userspace, since 2026-01-02T03:04:05.000Z',
      'b  pid 1234, userspace, since 2026-01-02T03:04:05.000Z',
    ]);
    return true;
  });
  assert.equal((await chooseInstance(folders, 'b')).name, 'b');
  await assert.rejects(chooseInstance(folders, 'c'), code('CONTROL_NOT_RUNNING', /others are/));
});

test('none running is told apart from one that is named and does not', async (t) => {
  const folders = home(t);
  await assert.rejects(chooseInstance(folders, undefined), code('CONTROL_NONE_RUNNING'));
  await assert.rejects(chooseInstance(folders, 'shop'), code('CONTROL_NOT_RUNNING', /shop/));
  await assert.rejects(chooseInstance(folders, '../etc'), code('CONTROL_NAME_INVALID'));
  assert.throws(() => instanceFolder(folders, 'Shop'), code('CONTROL_NAME_INVALID'));
});

test('without HOME and XDG_RUNTIME_DIR, or with relative ones, it says so', async () => {
  const nowhere = { xdgRuntimeDir: 'run', home: undefined };
  await assert.rejects(findInstances(nowhere), code('CONTROL_NO_HOME'));
  assert.throws(() => instanceFolder(nowhere, 'a'), code('CONTROL_NO_HOME'));
});

test('what is not ours is ignored and left', async (t) => {
  const folders = home(t);
  const root = join(folders.xdgRuntimeDir ?? '', 'switchyard');
  mkdirSync(join(root, 'empty'), { recursive: true });
  mkdirSync(join(root, 'Not A Name'));
  mkdirSync(join(root, 'file'));
  writeFileSync(join(root, 'file', 'control.sock'), 'mine');
  writeFileSync(join(root, 'plain'), 'mine');
  await start(t, {}, { folders, instance: 'real' });
  assert.deepEqual(
    (await findInstances(folders)).map(({ name }) => name),
    ['real'],
  );
  for (const path of ['empty', 'Not A Name', 'file/control.sock', 'plain']) {
    assert.ok(existsSync(join(root, path)), path);
  }
});

test('an instance of another version is there, and is not hidden', async (t) => {
  const folders = home(t);
  const path = controlSocket(instanceFolder(folders, 'old'));
  const error = {
    code: 'CONTROL_VERSION_MISMATCH',
    message: 'Cannot answer: version 0',
    details: [],
  };
  const old = await serveLocal(path, async () => ({ kind: 'json', status: 400, body: { error } }));
  t.after(() => old.close());
  await assert.rejects(chooseInstance(folders, undefined), code('CONTROL_VERSION_MISMATCH'));
  await assert.rejects(chooseInstance(folders, 'old'), code('CONTROL_VERSION_MISMATCH'));
  await start(t, {}, { folders, instance: 'new' });
  await assert.rejects(chooseInstance(folders, undefined), code('CONTROL_SEVERAL_RUNNING'));
  assert.equal((await chooseInstance(folders, 'new')).name, 'new');
});

test('an instance of a cluster says that it runs no Pods', async (t) => {
  const { client } = await start(t);
  const asked = { namespace: 'default', kind: 'deployment', name: 'web', replicas: 2 } as const;
  await assert.rejects(client.scale(asked), code('CONTROL_NO_WORKLOADS'));
});

test('what is asked about workloads is checked, field by field', async (t) => {
  const refuse = async (): Promise<never> => assert.fail('it got through');
  const workloads = { run: refuse, scale: refuse, bind: refuse, logs: refuse };
  const { client } = await start(t, { workloads });
  const bad = code('CONTROL_BAD_REQUEST', /^Cannot do what was asked: (\w+) /);
  const name = { namespace: 'default', kind: 'deployment', name: 'web' } as const;
  const none = { command: undefined, address: undefined, folder: undefined };
  await assert.rejects(client.scale({ ...name, replicas: -1 }), bad);
  await assert.rejects(client.scale({ ...name, replicas: 1e9 }), bad);
  await assert.rejects(client.scale({ ...name, name: '', replicas: 1 }), bad);
  await assert.rejects(client.scale({ ...name, kind: 'service' as 'pod', replicas: 1 }), bad);
  await assert.rejects(client.bind({ ...name, ...none }), bad);
  await assert.rejects(client.bind({ ...name, ...none, command: 'a', address: 'b' }), bad);
  await assert.rejects(
    client.logs(
      { namespace: '', pod: 'web', follow: false, tail: undefined, previous: false },
      () => {},
    ),
    bad,
  );
  const run = { ...name, replicas: 1, port: undefined, command: ['a'], folder: undefined };
  await assert.rejects(client.run({ ...run, command: [] }), bad);
  await assert.rejects(client.run({ ...run, command: [1 as unknown as string] }), bad);
  await assert.rejects(client.run({ ...run, port: 70_000 }), bad);
});

test('lines of logs arrive in order, and a refusal after them with its code', async (t) => {
  const at = '2026-01-02T03:04:05.678Z';
  const { client } = await start(t, {
    workloads: {
      run: async () => assert.fail(),
      scale: async () => assert.fail(),
      bind: async () => assert.fail(),
      logs: async (_asked, { onLine, onSilence }) => {
        onLine({ from: 'stdout', text: 'one', at });
        onSilence();
        onLine({ from: 'stderr', text: 'two', at });
        throw new ControlError('CONTROL_BAD_REQUEST', 'no more');
      },
    },
  });
  const lines: string[] = [];
  const asked = {
    namespace: 'default',
    pod: 'web',
    follow: true,
    tail: undefined,
    previous: false,
  };
  await assert.rejects(
    client.logs(asked, ({ text }) => lines.push(text)),
    code('CONTROL_BAD_REQUEST', /no more/),
  );
  assert.deepEqual(lines, ['one', 'two']);
});
