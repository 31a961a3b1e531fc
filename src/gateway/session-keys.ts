/**
 * The keys of cookie affinity: one Secret that all gateways share, made by whoever comes first. Two generations are
 * valid, so that a new key takes over without ending a session; the age of a key stands in its name.
 */
import { randomBytes } from 'node:crypto';
import {
  createReflector,
  isAlreadyExists,
  isConflict,
  isNotFound,
  secretKind,
  type ObjectClient,
  type Secret,
} from '../kube/index.ts';
import type { Clock, Random, SessionKey } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';

const sessionSecret = { namespace: 'kube-system', name: 'switchyard-session-keys' } as const;

const keyBytes = 32;
const validGenerations = 2;
const namePattern = /^key-([0-9]{1,15})$/;
/** A key makes new cookies for so long, and is honoured as long again. */
const rotateAfterMs = 30 * 86_400_000;
const checkEveryMs = 3_600_000;
const retryMs = 5_000;

export interface SessionKeysOptions {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Called when the keys are others. */
  readonly changed: () => void;
}

export interface SessionKeys extends Component {
  /** Newest first; empty until they are known. The same array until they change. */
  keys(): readonly SessionKey[];
}

interface Generation {
  readonly name: string;
  readonly madeMs: number;
  readonly key: SessionKey;
}

/** Newest first; what is no key is passed over. */
function generationsOf(secret: Secret): readonly Generation[] {
  return Object.entries(secret.data ?? {})
    .flatMap(([name, value]) => {
      const madeSeconds = namePattern.exec(name)?.[1];
      const key = Buffer.from(value, 'base64');
      if (madeSeconds === undefined || key.length !== keyBytes) return [];
      return [{ name, madeMs: Number(madeSeconds) * 1_000, key }];
    })
    .toSorted((a, b) => b.madeMs - a.madeMs || (a.name < b.name ? 1 : -1))
    .slice(0, validGenerations);
}

export function createSessionKeys(options: SessionKeysOptions): SessionKeys {
  const { client, clock, random, log, changed } = options;
  const stopping = new AbortController();
  let known: readonly SessionKey[] = [];
  let text = '';
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  let rotating: Promise<void> | undefined;
  const learn = (secret: Secret): void => {
    const generations = generationsOf(secret);
    const next = generations.map(
      ({ name, key }) => `${name} ${Buffer.from(key).toString('base64')}`,
    );
    if (generations.length === 0 || next.join() === text) return;
    text = next.join();
    known = generations.map(({ key }) => key);
    status = { state: 'ready', detail: undefined };
    changed();
  };
  const keepFresh = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let waitMs = checkEveryMs;
      try {
        learn(await freshSecret(client, clock.now()));
      } catch (thrown) {
        waitMs = retryMs;
        if (known.length === 0) status = { state: 'degraded', detail: 'There is no session key' };
        log.warn('Cannot keep the keys of cookie affinity', { error: thrown, ...sessionSecret });
      }
      await clock.sleep(waitMs, stopping.signal);
    }
  };
  const reflector = createReflector<Secret>({
    client,
    kind: secretKind,
    options: {
      namespace: sessionSecret.namespace,
      fieldSelector: `metadata.name=${sessionSecret.name}`,
    },
    clock,
    random,
    log,
    onReplace: (items) => items.forEach(learn),
    onEvent: ({ type, object }) => {
      // A Secret that was taken away is made anew at the next check; until then its keys hold.
      if (type !== 'DELETED') learn(object);
    },
  });
  return {
    name: 'session-keys',
    start: async (signal) => {
      await reflector.start(signal);
      rotating = keepFresh();
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([reflector.stop(), rotating]);
      status = { state: 'stopped', detail: undefined };
    },
    status: () => status,
    keys: () => known,
  };
}

/** The Secret with a newest key that is young enough, made or added to when it has none. */
async function freshSecret(client: ObjectClient, nowMs: number): Promise<Secret> {
  for (;;) {
    const found = await readSecret(client);
    if (found === undefined) {
      try {
        return await client.create(secretKind, newSecret(nowMs));
      } catch (thrown) {
        // Another gateway made it at the same moment: its keys are as good.
        if (!isAlreadyExists(thrown)) throw thrown;
        continue;
      }
    }
    const generations = generationsOf(found);
    const [newest] = generations;
    if (newest !== undefined && nowMs - newest.madeMs < rotateAfterMs) return found;
    try {
      return await client.update(secretKind, withNewKey(found, generations, nowMs));
    } catch (thrown) {
      if (!isConflict(thrown) && !isNotFound(thrown)) throw thrown;
    }
  }
}

async function readSecret(client: ObjectClient): Promise<Secret | undefined> {
  try {
    return await client.get(secretKind, sessionSecret);
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

function newKey(nowMs: number): Readonly<Record<string, string>> {
  const name = `key-${Math.floor(nowMs / 1_000)}`;
  return { [name]: randomBytes(keyBytes).toString('base64') };
}

function newSecret(nowMs: number): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { ...sessionSecret },
    data: newKey(nowMs),
  };
}

/** The newest of the old ones stays valid beside it; what else the Secret holds is somebody else's. */
function withNewKey(secret: Secret, generations: readonly Generation[], nowMs: number): Secret {
  const kept = new Set(generations.slice(0, validGenerations - 1).map(({ name }) => name));
  const others = Object.entries(secret.data ?? {}).filter(
    ([name]) => !namePattern.test(name) || kept.has(name),
  );
  return { ...secret, data: { ...Object.fromEntries(others), ...newKey(nowMs) } };
}
