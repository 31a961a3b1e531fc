/**
 * Where campaigns and benchmarks take place: a node, Pods behind it and somebody outside, each a network namespace,
 * with programs in them that make many connections. IPv4 alone: what is asked here is about load, not about families.
 *
 *     outside 192.0.2.2..9 ---- 192.0.2.1 node 10.244.1.1 ---- 10.244.1.2..61 pods
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What runs in a lab. */
export const programs = {
  backends: new URL('./lab-backends.suite.ts', import.meta.url),
  client: new URL('./lab-client.suite.ts', import.meta.url),
  agent: new URL('./lab-agent.suite.ts', import.meta.url),
} as const;

type Place = 'node' | 'pods' | 'outside';

/** A program in a namespace, told and heard over a channel. */
export interface Program<Request, Answer> {
  tell(request: Request): void;
  /** From now on this one hears what it says. */
  onAnswer(callback: (answer: Answer) => void): void;
  stop(): Promise<void>;
}

export interface Lab {
  /** Of the node, as a file. */
  readonly namespace: string;
  /** Runs a program in the node. */
  inNode(...command: readonly string[]): string;
  /** Starts one of `programs` and waits for its first word. */
  start<Request, Answer>(place: Place, file: URL): Promise<Program<Request, Answer>>;
  close(): Promise<void>;
}

export const podPort = 8_080;
const podCount = 60;

export function podAddress(index: number): string {
  return `10.244.1.${2 + (index % podCount)}`;
}

/** Other addresses than the first that somebody outside has. */
export const outsideSources: readonly string[] = Array.from(
  { length: 8 },
  (_, i) => `192.0.2.${2 + i}`,
);

let labs = 0;

export async function openLab(): Promise<Lab> {
  const prefix = `sylab${process.pid}x${labs++}`;
  const nameOf = (place: Place): string => `${prefix}${place[0]}`;
  const places = ['node', 'pods', 'outside'] as const satisfies readonly Place[];
  const running = new Set<Program<never, never>>();
  const close = async (): Promise<void> => {
    await Promise.all([...running].map((program) => program.stop()));
    for (const place of places) run('ip', 'netns', 'del', nameOf(place));
  };
  for (const place of places) run('ip', 'netns', 'add', nameOf(place));
  try {
    lay(nameOf);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    namespace: `/run/netns/${nameOf('node')}`,
    inNode: (...command) => run('ip', 'netns', 'exec', nameOf('node'), ...command),
    start: async <Request, Answer>(place: Place, file: URL) => {
      const program = await startProgram<Request, Answer>(nameOf(place), file);
      running.add(program as Program<never, never>);
      return program;
    },
    close,
  };
}

async function startProgram<Request, Answer>(
  namespace: string,
  file: URL,
): Promise<Program<Request, Answer>> {
  const path = fileURLToPath(file);
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, path], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  await once(child, 'message');
  let hear: (answer: Answer) => void = () => undefined;
  child.on('message', (message) => hear(message as Answer));
  return {
    tell: (request) => void child.send(request as object),
    onAnswer: (callback) => void (hear = callback),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/** A program of ours on the host itself that may be killed. */
export interface Killable {
  /** Settles at its first line; rejects when it ends without one. */
  readonly ready: Promise<void>;
  /** All it said, when it has ended. */
  readonly lines: Promise<readonly string[]>;
  go(): void;
  kill(): void;
}

export function startKillable(file: URL, args: readonly string[]): Killable {
  const path = fileURLToPath(file);
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => void lines.push(line));
  const ready = Promise.withResolvers<void>();
  reader.once('line', () => ready.resolve());
  child.once('exit', (code) => ready.reject(new Error(`${path} ended with ${code}`)));
  ready.promise.catch(() => undefined);
  return {
    ready: ready.promise,
    lines: Promise.all([once(reader, 'close'), once(child, 'exit')]).then(() => lines),
    go: () => void child.stdin.write('go\n'),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** Milliseconds on the clock that all processes of a host share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function lay(nameOf: (place: Place) => string): void {
  const node = nameOf('node');
  for (const [place, device, own] of [
    ['pods', 'pods0', '10.244.1.1'],
    ['outside', 'out0', '192.0.2.1'],
  ] as const) {
    const other = nameOf(place);
    const addresses =
      place === 'pods' ? Array.from({ length: podCount }, (_, i) => podAddress(i)) : outsideSources;
    run(...words(`ip -n ${node} link add ${device} type veth peer eth0 netns ${other}`));
    run(...words(`ip -n ${node} addr add ${own}/24 dev ${device}`));
    run(...words(`ip -n ${node} link set ${device} up`));
    const batch = [
      'link set lo up',
      'link set eth0 up',
      ...addresses.map((address) => `addr add ${address}/24 dev eth0`),
      `route add default via ${own}`,
    ];
    execFileSync('ip', ['-n', other, '-batch', '-'], { input: `${batch.join('\n')}\n` });
  }
  run(...words(`ip -n ${node} link set lo up`));
  run(...words(`ip -n ${node} route add 10.96.0.0/16 dev out0`));
  run(...words(`ip netns exec ${node} sysctl -qw net.ipv4.ip_forward=1`));
}

function words(text: string): [string, ...string[]] {
  const [program = '', ...rest] = text.split(' ');
  return [program, ...rest];
}

function run(program: string, ...args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    assert.fail(`${program} ${args.join(' ')}: ${String(error)}`);
  }
}
