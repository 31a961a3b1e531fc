/** The coming side of a replacement: asks the running instance, gets everything, and says when it serves. */
import {
  chooseInstance,
  createControlClient,
  type HandoverStart,
  type UserFolders,
} from '../control/index.ts';
import type { Logger } from '../obs/index.ts';
import type { Libc } from '../sys/ffi/index.ts';
import { HandoverError, joinMeeting, type Channel } from '../sys/handover/index.ts';
import { handoverProtocol, unpackEstate, type Estate } from './estate.ts';
import { callable } from './hand-over.ts';

export interface Successor {
  readonly instance: string;
  /** How the running process was started. */
  readonly start: HandoverStart;
  /** From here on clients wait until `serving`, or until this process gives up or ends. */
  take(): Promise<Estate>;
  /** Resolves when the running process has let go; it drains. Rejects when it took everything back. */
  serving(pid: number): Promise<void>;
  giveUp(): void;
}

const estateMs = 30_000;
const releaseMs = 30_000;

/** Rejects with CONTROL and HANDOVER codes; the running instance is then untouched. */
export async function becomeSuccessor(
  folders: UserFolders,
  named: string | undefined,
  log: Logger,
): Promise<Successor> {
  const libc = await callable();
  const { name, socketPath } = await chooseInstance(folders, named);
  const { path, start } = await createControlClient(socketPath).handOver(String(handoverProtocol));
  const channel = await joinMeeting(libc, path);
  const successor = createSuccessor({ libc, channel, log });
  return { instance: name, start, ...successor };
}

interface Conversation {
  readonly libc: Libc;
  readonly channel: Channel;
  readonly log: Logger;
}

function createSuccessor({
  libc,
  channel,
  log,
}: Conversation): Pick<Successor, 'take' | 'serving' | 'giveUp'> {
  return {
    giveUp: () => channel.close(),
    take: async () => {
      await channel.send({ kind: 'ready' });
      const message = await channel.receive(estateMs);
      try {
        return unpackEstate(message, libc);
      } catch (thrown) {
        for (const fd of message.descriptors) libc.close(fd);
        channel.close();
        throw thrown;
      }
    },
    serving: async (pid) => {
      try {
        await channel.send({ kind: 'serving', pid });
      } catch {
        // Whether it ended or took back what it gave is in what it said last.
      }
      const last = await channel.receive(releaseMs).then(
        ({ value }) => kindOf(value),
        () => 'gone',
      );
      channel.close();
      if (last === 'resumed') {
        throw new HandoverError(
          'HANDOVER_BROKEN',
          'Cannot take over: it took too long, and the running process went on',
        );
      }
      if (last === 'gone') log.warn('The process before this one ended during the hand-over');
    },
  };
}

function kindOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
}
