/** The end of an instance that another process goes on with: what is held back, let go, and left to drain. */
import type { Component, Logger } from '../obs/index.ts';
import type { Libc } from '../sys/ffi/index.ts';
import { formatCidr } from '../model/index.ts';
import type { AddressBlock } from './address-block.ts';
import type { LeftEstate } from './estate.ts';
import type { HandOverOptions } from './hand-over.ts';
import type { Instance } from './instance.ts';
import { stopAll } from './running.ts';

export interface LifeOptions {
  readonly instance: Instance;
  readonly block: AddressBlock;
  /** All that runs, in order of their start. */
  readonly components: readonly Component[];
  readonly startedAt: string;
  readonly log: Logger;
}

export interface Life {
  readonly giving: Pick<HandOverOptions, 'suspend' | 'resume' | 'release'>;
  /** `early` what must run before this process serves, `late` what needs places the one before it has. */
  ownComponents(settled: boolean): {
    readonly early: readonly Component[];
    readonly late: readonly Component[];
  };
  /** The process before this one has let go: from here on its Pods are ours to end. */
  settled(): void;
  retire(signal: AbortSignal): Promise<void>;
}

const retireMs = 30_000;

export function createLife({ instance, block, components, startedAt, log }: LifeOptions): Life {
  const { node, carrier: driver, objects, names, door, browsers, metrics, gateway } = instance;
  let isSettled = true;
  const goOn = async (): Promise<void> => {
    try {
      await objects.resume();
    } catch (error) {
      // What runs goes on; what would be written is refused, and the component says why.
      log.error('Cannot open the objects again; nothing can be changed any more', { error });
    }
  };
  const lingerMs = instance.drainMs ?? retireMs;
  const suspend = async (libc: Libc): Promise<LeftEstate> => {
    const { claim } = block;
    const descriptor = claim?.suspend(libc);
    try {
      const left = { startedAt, serviceRange: formatCidr(block.serviceRange) };
      const kept =
        claim === undefined || descriptor === undefined
          ? undefined
          : { address: claim.address, descriptor };
      const ofDriver = await driver.suspend(libc, lingerMs);
      const ofNode = node.suspend();
      const dataFolder = objects.folder;
      // From here on nothing is written; what waits is answered when this goes on, or refused.
      await objects.suspend();
      const store =
        dataFolder === undefined ? objects.store.snapshot() : { compacted: 0, revisions: [] };
      return { ...left, claim: kept, driver: ofDriver, node: ofNode, store, dataFolder };
    } catch (thrown) {
      await goOn();
      await claim?.resume();
      throw thrown;
    }
  };
  return {
    giving: {
      suspend,
      resume: async () => {
        await goOn();
        node.resume();
        await driver.resume();
        await block.claim?.resume();
      },
      release: async () => {
        await objects.close();
        const others = components.filter(
          ({ name }) => !name.startsWith('driver ') && name !== gateway.name,
        );
        await stopAll(
          others.map((each) => {
            if (each === door) return { ...door, stop: () => door.leave() };
            return each.name === 'node' ? released(instance) : each;
          }),
          log,
        );
      },
    },
    ownComponents: (settled) => {
      isSettled = settled;
      const late: readonly Component[] = [...names.components, door, browsers, metrics];
      const early = instance.components.filter((each) => !late.includes(each));
      return {
        early: early.map((each) =>
          each.name === 'node'
            ? { ...each, stop: () => (isSettled ? node.stop() : node.release()) }
            : each,
        ),
        late,
      };
    },
    settled: () => {
      isSettled = true;
      node.settled();
    },
    retire: async (signal) => {
      const until = AbortSignal.any([signal, AbortSignal.timeout(lingerMs)]);
      await Promise.all([driver.retire(until), door.emptied(until)]);
      // Its requests came over connections of the driver.
      await gateway.retire(until);
    },
  };
}

function released({ node }: Instance): Component {
  return { ...node, stop: () => node.release() };
}
