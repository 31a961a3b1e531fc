/** Browsers with a session each that ask all the time, at one gateway after the other: for tests of cookie affinity. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import type { TestContext } from 'node:test';
import { ask } from './shop.ts';

/** Where a Service is reached, and by which name where that is asked for. */
export interface Place {
  readonly at: string;
  readonly host?: string;
}

/** A browser with one session, on connections it keeps. */
export class Session {
  /** Pods that answered, each once in a row. */
  readonly way: string[] = [];
  readonly failures: string[] = [];
  requests = 0;
  private cookie: string | undefined;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  async run(places: readonly Place[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.failures.length < 10) {
      const { at, host } = places[this.requests++ % places.length] ?? { at: '' };
      try {
        const { agent, cookie } = this;
        const { status, pod, text, cookies } = await ask(at, { agent, cookie, host });
        if (status !== 200) this.failures.push(`status ${status}: ${text}`);
        else if (this.way.at(-1) !== pod) this.way.push(pod);
        this.cookie = cookies[0] ?? this.cookie;
      } catch (thrown) {
        this.failures.push(String(thrown));
      }
    }
    this.agent.destroy();
  }
}

export interface Load {
  /** Waits until every session has been answered so often again. */
  atLeast(requests: number): Promise<void>;
  stop(): Promise<void>;
}

/** Resolves when every session has begun. */
export async function startLoad(
  t: TestContext,
  places: readonly Place[],
  all: readonly Session[],
): Promise<Load> {
  const stopping = new AbortController();
  const running = all.map((session) => session.run(places, stopping.signal));
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all(running);
  };
  t.after(stop);
  const atLeast = async (requests: number): Promise<void> => {
    const deadline = Date.now() + 30_000;
    const before = all.map((session) => session.requests);
    while (all.some((session, i) => session.requests < (before[i] ?? 0) + requests)) {
      const failed = all.flatMap(({ failures }) => failures);
      assert.ok(Date.now() < deadline, `sessions are not answered: ${failed.join('; ')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await atLeast(3);
  return { atLeast, stop };
}
