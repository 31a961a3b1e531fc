/** The running side of a replacement: meets the next process, gives it everything, and goes on if that fails. */
import { join } from 'node:path';
import type { HandoverOffer, HandoverStart } from '../control/index.ts';
import { messageOf } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import { FfiError, loadLibc, type Libc } from '../sys/ffi/index.ts';
import { HandoverError, openMeeting, type Channel, type Meeting } from '../sys/handover/index.ts';
import { handoverProtocol, packEstate, versionMismatch, type LeftEstate } from './estate.ts';

export interface HandOverOptions {
  /** The instance's own folder. */
  readonly folder: string;
  /** How this process was started, for one that is to be started the same way. */
  readonly start: HandoverStart;
  readonly log: Logger;
  /** Stops taking anything new, and tells what there is. When it rejects, everything goes on. */
  suspend(libc: Libc): Promise<LeftEstate>;
  resume(): Promise<void>;
  /** Another process serves: frees what it needs a place for. */
  release(): Promise<void>;
}

export interface HandOver {
  /** Rejects with HANDOVER codes before anything is touched. */
  offer(protocol: string): Promise<HandoverOffer>;
  /** Resolves with the process id of the next one, when it serves and this one has let go. */
  readonly replaced: Promise<number>;
}

const comeMs = 15_000;
/** How long the next one may take from everything in hand to serving; clients wait meanwhile. */
const serveMs = 30_000;

export function createHandOver(options: HandOverOptions): HandOver {
  const { folder, start, log } = options;
  const { promise: replaced, resolve } = Promise.withResolvers<number>();
  let busy = false;
  return {
    replaced,
    offer: async (protocol) => {
      if (protocol !== String(handoverProtocol)) throw versionMismatch(protocol);
      if (busy) throw isBusy();
      busy = true;
      try {
        const libc = await callable();
        const path = join(folder, 'handover.sock');
        const meeting = await openMeeting(libc, path);
        void converse(libc, meeting, options)
          .then(resolve)
          .catch((thrown: unknown) => {
            log.warn('Another process did not take over; going on', { error: messageOf(thrown) });
          })
          .finally(() => {
            busy = false;
          });
        return { path, start };
      } catch (thrown) {
        busy = false;
        throw thrown;
      }
    },
  };
}

/** Rejects when the next process did not come to serve, and then everything goes on here. */
async function converse(libc: Libc, meeting: Meeting, options: HandOverOptions): Promise<number> {
  let channel: Channel | undefined;
  try {
    channel = await meeting.met(comeMs);
    await channel.receive(comeMs);
    const pid = await giveAway(libc, channel, options);
    await options.release();
    await channel.send({ kind: 'released' }).catch(() => undefined);
    return pid;
  } finally {
    channel?.close();
    await meeting.close();
  }
}

async function giveAway(libc: Libc, channel: Channel, options: HandOverOptions): Promise<number> {
  const left = await options.suspend(libc);
  try {
    const { value, descriptors, own } = packEstate(left, libc);
    try {
      await channel.send(value, descriptors);
    } finally {
      for (const fd of own) libc.close(fd);
    }
    return servingPid((await channel.receive(serveMs)).value);
  } catch (thrown) {
    // Said first: one that is only slow must not serve beside us.
    await channel.send({ kind: 'resumed' }).catch(() => undefined);
    await options.resume();
    throw thrown;
  }
}

function servingPid(value: unknown): number {
  const said = typeof value === 'object' && value !== null ? value : {};
  if ('kind' in said && said.kind === 'serving' && 'pid' in said && typeof said.pid === 'number') {
    return said.pid;
  }
  throw new HandoverError('HANDOVER_BROKEN', 'Cannot hand over: the other process gave up');
}

/** The C library, or what people should know who have none. */
export async function callable(): Promise<Libc> {
  try {
    return await loadLibc();
  } catch (cause) {
    if (!(cause instanceof FfiError)) throw cause;
    throw new HandoverError('HANDOVER_UNAVAILABLE', `Cannot hand over: ${messageOf(cause)}`, {
      cause,
      remedy: 'Stop the instance and start it again; open connections end with it',
    });
  }
}

function isBusy(): HandoverError {
  return new HandoverError(
    'HANDOVER_BUSY',
    'Cannot hand over: the instance is being replaced already',
    { remedy: 'Wait until that is done, then try again' },
  );
}
