/** A client of a lab: makes connections one after the other in several lanes, and tells what each met. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { sharedNow } from './lab.suite.ts';

export interface Target {
  readonly address: string;
  readonly port: number;
}

export interface Sides<T> {
  readonly direct: T;
  readonly service: T;
}

export type ClientRequest =
  /** New connections to these in turn, until it is told to stop. */
  | {
      readonly do: 'load';
      readonly targets: readonly Target[];
      readonly lanes: number;
      readonly sources: readonly string[];
      /** Between two connections of a lane. */
      readonly pauseMs?: number;
    }
  /** One connection to each of these that stays, and says a word again and again. */
  | { readonly do: 'hold'; readonly targets: readonly Target[] }
  /** So many connections to each, told at once as `asked`. */
  | { readonly do: 'ask'; readonly targets: readonly Target[]; readonly times: number }
  /**
   * For so long connections, or requests over connections that stay, one at a time and to the two sides in turn, so
   * that both meet the same weather; told as `measured`.
   */
  | {
      readonly do: 'measure';
      readonly what: 'connections' | 'requests';
      readonly sides: Sides<readonly Target[]>;
      readonly forMs: number;
    }
  /** So many UDP flows, a datagram each, and no answer waited for; told as `sent`. */
  | {
      readonly do: 'flows';
      readonly targets: readonly Target[];
      readonly sources: readonly string[];
      readonly count: number;
    }
  | { readonly do: 'stop' };

/** One connection: to which target, who answered (or why nobody did), from when to when. */
export interface Attempt {
  readonly target: number;
  readonly who: string;
  readonly failure: string | undefined;
  readonly from: number;
  readonly to: number;
}

export type ClientAnswer =
  | { readonly kind: 'attempts'; readonly attempts: readonly Attempt[] }
  | { readonly kind: 'asked'; readonly attempts: readonly Attempt[] }
  | { readonly kind: 'measured'; readonly timesMs: Sides<readonly number[]> }
  | { readonly kind: 'sent' }
  | { readonly kind: 'stopped'; readonly words: number; readonly broken: readonly string[] };

const patienceMs = 20_000;
const tellAtOnce = 256;
let stopping = false;
let words = 0;
const broken: string[] = [];
const held: Socket[] = [];
let attempts: Attempt[] = [];
const lanes: Promise<void>[] = [];

function say(answer: ClientAnswer): void {
  process.send?.(answer);
}

function attempt(targets: readonly Target[], target: number, source?: string): Promise<Attempt> {
  const from = sharedNow();
  const { address: host = '', port = 0 } = targets[target] ?? {};
  const socket = connect({ host, port, ...(source === undefined ? {} : { localAddress: source }) });
  return new Promise((resolve) => {
    let text = '';
    const end = (failure: string | undefined): void => {
      resolve({ target, who: text.trimEnd(), failure, from, to: sharedNow() });
      // Not closed but reset: nothing is left to wait for at either end.
      socket.resetAndDestroy();
    };
    socket.setTimeout(patienceMs, () => end('no answer'));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('end', () => end('closed without a word'));
    socket.on('data', (bytes) => {
      text += String(bytes);
      if (text.endsWith('\n')) end(undefined);
    });
  });
}

async function lane(
  { targets, sources, pauseMs }: Extract<ClientRequest, { do: 'load' }>,
  first: number,
): Promise<void> {
  for (let n = first; !stopping; n++) {
    const source = sources.length === 0 ? undefined : sources[(n * 7 + first) % sources.length];
    attempts.push(await attempt(targets, n % targets.length, source));
    if (attempts.length >= tellAtOnce) flush();
    if (pauseMs !== undefined) await delay(pauseMs);
  }
}

function flush(): void {
  if (attempts.length > 0) say({ kind: 'attempts', attempts });
  attempts = [];
}

function hold({ address, port }: Target): void {
  const socket = connect({ host: address, port, noDelay: true });
  held.push(socket);
  const place = `${address}:${port}`;
  const breaks = (why: string): void => {
    if (!stopping) broken.push(`${place} ${why} after ${words} words`);
  };
  socket.on('error', (error) => breaks(error.message));
  socket.on('close', () => breaks('closed'));
  let silence: NodeJS.Timeout | undefined;
  socket.on('data', () => {
    words++;
    clearTimeout(silence);
    setTimeout(() => {
      if (stopping) return;
      silence = setTimeout(() => breaks('silent'), patienceMs);
      socket.write('word\n');
    }, 5);
  });
}

async function ask(targets: readonly Target[], times: number): Promise<void> {
  const all: Attempt[] = [];
  for (let n = 0; n < times; n++) {
    all.push(...(await Promise.all(targets.map((_, target) => attempt(targets, target)))));
  }
  say({ kind: 'asked', attempts: all });
}

async function measure({
  what,
  sides,
  forMs,
}: Extract<ClientRequest, { do: 'measure' }>): Promise<void> {
  const end = sharedNow() + forMs;
  const timesMs = { direct: [] as number[], service: [] as number[] };
  const names = ['direct', 'service'] as const;
  const asks = {
    direct: await asker(what, sides.direct),
    service: await asker(what, sides.service),
  };
  for (let n = 0; sharedNow() < end; n++) {
    for (const name of n % 2 === 0 ? names : names.toReversed()) {
      const from = sharedNow();
      await asks[name].once(n);
      timesMs[name].push(sharedNow() - from);
    }
  }
  for (const name of names) asks[name].end();
  say({ kind: 'measured', timesMs });
}

interface Asker {
  /** One connection, or one request. */
  once(n: number): Promise<void>;
  end(): void;
}

async function asker(what: 'connections' | 'requests', targets: readonly Target[]): Promise<Asker> {
  if (what === 'requests') return await repeater(targets[0]);
  return {
    once: async (n) => {
      const { failure } = await attempt(targets, n % targets.length);
      if (failure !== undefined) throw new Error(failure);
    },
    end: () => undefined,
  };
}

/** A connection that says a word and waits for it, as often as it is told. */
async function repeater(target: Target | undefined): Promise<Asker> {
  const { address: host = '', port = 0 } = target ?? {};
  const socket = connect({ host, port, noDelay: true });
  await once(socket, 'data');
  return {
    once: async () => {
      socket.write('word\n');
      await once(socket, 'data');
    },
    end: () => void socket.resetAndDestroy(),
  };
}

async function sendFlows({
  targets,
  sources,
  count,
}: Extract<ClientRequest, { do: 'flows' }>): Promise<void> {
  const flow = (n: number): Promise<void> => {
    const { address = '', port = 0 } = targets[n % targets.length] ?? {};
    const socket = createSocket('udp4');
    return new Promise((resolve) => {
      // A port for each flow of a source, so that no two flows are one.
      const own = 10_000 + Math.floor(n / sources.length);
      socket.bind(own, sources[n % sources.length], () => {
        socket.send('word', port, address, () => socket.close(() => resolve()));
      });
    });
  };
  for (let n = 0; n < count; n += 256) {
    const some = Math.min(256, count - n);
    await Promise.all(Array.from({ length: some }, (_, i) => flow(n + i)));
  }
  say({ kind: 'sent' });
}

process.on('message', (request: ClientRequest) => {
  switch (request.do) {
    case 'load':
      stopping = false;
      for (let n = 0; n < request.lanes; n++) lanes.push(lane(request, n));
      break;
    case 'hold':
      request.targets.forEach(hold);
      break;
    case 'ask':
      void ask(request.targets, request.times);
      break;
    case 'measure':
      void measure(request);
      break;
    case 'flows':
      void sendFlows(request);
      break;
    case 'stop':
      stopping = true;
      void Promise.all(lanes.splice(0)).then(() => {
        flush();
        for (const socket of held.splice(0)) socket.resetAndDestroy();
        say({ kind: 'stopped', words, broken });
      });
  }
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
