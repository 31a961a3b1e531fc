/**
 * One driver and one Plan that all stories of a suite share and change at once, each what is its own: what a change
 * elsewhere disturbs comes out, and a suite takes as long as its longest story.
 */
import assert from 'node:assert/strict';
import {
  emptyPlan,
  nextPlan,
  servicePortId,
  type Driver,
  type NodeView,
  type Plan,
  type PlanChange,
  type VirtualServer,
} from '../../model/index.ts';
import { testNode } from './builders.ts';
import type { World } from './world.ts';

export class Ground {
  readonly driver: Driver;
  readonly world: World;
  plan: Plan;
  private applied = false;
  private stories = 0;
  private last: Promise<void> = Promise.resolve();
  private readonly abort = new AbortController();

  constructor(driver: Driver, world: World) {
    this.driver = driver;
    this.world = world;
    this.plan = emptyPlan(testNode(world.node));
  }

  /** What makes a story's Services its own: their names in the Plan. */
  nameStory(): (server: VirtualServer) => VirtualServer {
    const prefix = `story-${++this.stories}-`;
    return (server) => {
      const ref = { ...server.ref, name: `${prefix}${server.ref.name}` };
      return { ...server, ref, id: servicePortId(ref) };
    };
  }

  /** One after the other; every frontend must be served, and where it says. */
  change(change: PlanChange): Promise<void> {
    const done = this.last.then(() => this.apply(change));
    this.last = done.catch(() => undefined);
    return done;
  }

  /** Something of the node, told from how it is. */
  async changeNode(follow: (node: NodeView) => NodeView): Promise<void> {
    const done = this.last.then(() =>
      this.apply({ set: [], remove: [], node: follow(this.plan.node) }),
    );
    this.last = done.catch(() => undefined);
    await done;
  }

  async close(): Promise<void> {
    this.abort.abort();
    await this.driver.stop(AbortSignal.abort());
  }

  private async apply(change: PlanChange): Promise<void> {
    const next = nextPlan(this.plan, change);
    assert.ok(next !== undefined, 'the change changes something');
    this.plan = next.plan;
    const delta = this.applied ? next.delta : undefined;
    // What comes after a failure is the whole Plan.
    this.applied = false;
    const report = await this.driver.apply(next.plan, delta, this.abort.signal);
    this.applied = true;
    assert.deepEqual(report.failures, []);
    assert.deepEqual(report.standIns, []);
    assert.equal(report.revision, next.plan.revision);
  }
}
