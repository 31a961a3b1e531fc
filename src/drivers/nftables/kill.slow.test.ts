/**
 * `kill -9` at random moments while an agent applies Plan after Plan, under load from four clients: connections to
 * Services that do not change never break, every other one is as before the commit that was under way or as after
 * it, all of them alike, and the next start goes on from there.
 */
import assert from 'node:assert/strict';
import process from 'node:process';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { namespacesMissing } from '../conformance/index.ts';
import { History } from './history.suite.ts';
import { changedAt, lasting, membersAt, serviceNames, still, targets } from './kill-plans.suite.ts';
import type { Attempt, ClientAnswer, ClientRequest } from './lab-client.suite.ts';
import {
  openLab,
  programs,
  outsideSources,
  startKillable,
  type Lab,
  type Program,
} from './lab.suite.ts';

const soak = process.env['SWITCHYARD_SOAK'] === '1';
const kills = Number(process.env['SWITCHYARD_KILLS'] ?? (soak ? 500 : 30));
/** From the word to go; the first commit takes some ten of these. */
const killWithinMs = 100;

type Client = Program<ClientRequest, ClientAnswer>;

class Campaign {
  readonly history = new History();
  readonly faults: string[] = [];
  /** The steps of which one is in force: two or more when a commit was under way. */
  inForce: readonly number[] = [];
  /** Until it is known when the commits of their time began and ended. */
  readonly unjudged: Attempt[] = [];
  made = 0;
  underWay = 0;
  applies = 0;

  /** What an agent said before it ended; nobody applies any more, so all that was made meanwhile can be judged. */
  follow(lines: readonly string[], first: number): void {
    let begun: number | undefined;
    for (const line of lines) {
      const [word, text, at] = line.split(' ');
      const step = Number(text);
      if (word === 'begin') {
        begun = step;
        this.note(step, Number(at), step === first);
      } else if (word === 'end') {
        begun = undefined;
        this.applies++;
        this.inForce = [step];
        this.noteEnd(step, Number(at), step === first);
      }
    }
    if (begun !== undefined) {
      this.underWay++;
      this.inForce = [...this.inForce, begun];
    }
    for (const attempt of this.unjudged.splice(0)) {
      this.made++;
      const fault = this.history.fault(attempt);
      if (fault !== undefined) this.faults.push(fault);
    }
  }

  get nextStep(): number {
    return Math.max(...this.inForce) + 1;
  }

  private note(step: number, at: number, isWhole: boolean): void {
    for (const service of isWhole ? serviceNames.keys() : changedAt(step)) {
      this.history.begin(service, membersAt(service, step), at);
    }
  }

  private noteEnd(step: number, at: number, isWhole: boolean): void {
    for (const service of isWhole ? serviceNames.keys() : changedAt(step)) {
      this.history.end(service, at);
    }
  }
}

/** Every Service is asked: all are as after one and the same of these steps. */
async function expectOneOf(asker: Client, steps: readonly number[]): Promise<void> {
  const asked = Promise.withResolvers<readonly Attempt[]>();
  asker.onAnswer((answer) => {
    if (answer.kind === 'asked') asked.resolve(answer.attempts);
  });
  asker.tell({ do: 'ask', targets: lasting.flatMap((i) => targets[i] ?? []), times: 3 });
  const attempts = await asked.promise;
  const faults = steps.map((step) =>
    attempts.flatMap(({ target, who, failure }) => {
      const service = lasting[target] ?? 0;
      const isRight = failure === undefined && membersAt(service, step).includes(who);
      return isRight ? [] : [`${serviceNames[service]}: ${failure ?? who} at step ${step}`];
    }),
  );
  assert.ok(
    faults.some((those) => those.length === 0),
    faults.map((those) => those.slice(0, 3).join('; ')).join(', and '),
  );
}

async function startLoad(lab: Lab, campaign: Campaign): Promise<readonly Client[]> {
  const clients: Client[] = [];
  for (const place of ['outside', 'outside', 'node', 'node'] as const) {
    const client: Client = await lab.start(place, programs.client);
    client.onAnswer((answer) => {
      if (answer.kind !== 'attempts') return;
      for (const attempt of answer.attempts) {
        campaign.unjudged.push({ ...attempt, target: lasting[attempt.target] ?? 0 });
      }
    });
    const sources = place === 'outside' ? outsideSources : [];
    client.tell({ do: 'hold', targets: still.flatMap((i) => targets[i] ?? []) });
    client.tell({
      do: 'load',
      targets: lasting.flatMap((i) => targets[i] ?? []),
      lanes: 4,
      sources,
      pauseMs: 5,
    });
    clients.push(client);
  }
  return clients;
}

async function stopLoad(clients: readonly Client[]): Promise<number> {
  let words = 0;
  await Promise.all(
    clients.map(async (client) => {
      const stopped = Promise.withResolvers<void>();
      client.onAnswer((answer) => {
        if (answer.kind !== 'stopped') return;
        words += answer.words;
        assert.deepEqual(answer.broken, [], 'connections to Services that did not change');
        stopped.resolve();
      });
      client.tell({ do: 'stop' });
      await stopped.promise;
    }),
  );
  return words;
}

const missing = namespacesMissing('nft');
const timeout = soak ? 3_600_000 : 280_000;
test(`kill -9 ${kills} times while Plans are applied`, { skip: missing, timeout }, async (t) => {
  const lab = await openLab();
  t.after(() => lab.close());
  await lab.start('pods', programs.backends);
  const asker: Client = await lab.start('outside', programs.client);
  const campaign = new Campaign();
  const apply = async (...steps: readonly [first: number, last: number]): Promise<void> => {
    const agent = startKillable(programs.agent, [lab.namespace, ...steps.map(String)]);
    agent.go();
    campaign.follow(await agent.lines, steps[0]);
  };
  await apply(0, 0);
  const clients = await startLoad(lab, campaign);

  for (let n = 0; n < kills; n++) {
    const step = campaign.nextStep;
    const agent = startKillable(programs.agent, [lab.namespace, String(step)]);
    t.after(() => agent.kill());
    await agent.ready;
    agent.go();
    await delay(Math.random() * killWithinMs);
    agent.kill();
    campaign.follow(await agent.lines, step);
    await expectOneOf(asker, campaign.inForce);
  }
  const last = campaign.nextStep;
  await apply(last, last);
  await expectOneOf(asker, [last]);
  const words = await stopLoad(clients);
  t.diagnostic(
    `${kills} kills, ${campaign.underWay} of them within a commit, ${campaign.applies} commits, ` +
      `${campaign.made} connections, ${words} words over connections that stayed`,
  );
  assert.deepEqual(campaign.faults.slice(0, 20), [], `${campaign.faults.length} connections`);
});
