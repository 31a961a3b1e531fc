/** Where two processes of one user meet to hand over: a Unix socket with mode 0600, for one conversation. */
import { chmod, rm } from 'node:fs/promises';
import { encodeLocalAddress, socketAddressRoom, systemError, type Libc } from '../ffi/index.ts';
import { openSocketPath } from '../net/index.ts';
import { createChannel, type Channel } from './channel.ts';
import { HandoverError } from './errors.ts';

export interface Meeting {
  /** The first to come. Rejects with HANDOVER_BROKEN when nobody comes in time. */
  met(timeoutMs: number): Promise<Channel>;
  /** Removes the socket; a conversation that has begun goes on. */
  close(): Promise<void>;
}

/** The folder must be this user's alone. Rejects with HANDOVER_FAILED and the LOCAL codes of a path. */
export async function openMeeting(libc: Libc, path: string): Promise<Meeting> {
  await rm(path, { force: true });
  const place = await openSocketPath(path);
  const fd = localSocket(libc);
  try {
    need(libc, 'bind', libc.bind(fd, addressOf(place.address)));
    await chmod(path, 0o600);
    need(libc, 'listen', libc.listen(fd, 1));
  } catch (thrown) {
    libc.close(fd);
    await place.release();
    throw thrown;
  }
  return {
    met: (timeoutMs) => firstOf(libc, fd, timeoutMs),
    close: async () => {
      libc.close(fd);
      await place.release();
      await rm(path, { force: true });
    },
  };
}

/** Rejects with HANDOVER_BROKEN when nobody waits there. */
export async function joinMeeting(libc: Libc, path: string): Promise<Channel> {
  const place = await openSocketPath(path);
  const fd = localSocket(libc);
  const result = libc.connect(fd, addressOf(place.address));
  await place.release();
  if (result >= 0) return createChannel(libc, fd);
  libc.close(fd);
  const cause = systemError(libc, 'connect', result);
  throw new HandoverError('HANDOVER_BROKEN', `Cannot meet the running instance: ${cause.message}`, {
    cause,
  });
}

function firstOf(libc: Libc, fd: number, timeoutMs: number): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      watch.close();
    };
    const watch = libc.watchReadable(fd, () => {
      const accepted = libc.accept(fd, new Uint8Array(socketAddressRoom));
      if (accepted < 0) return;
      stop();
      setImmediate(() => resolve(createChannel(libc, accepted)));
    });
    const timer = setTimeout(() => {
      stop();
      reject(new HandoverError('HANDOVER_BROKEN', 'Cannot hand over: nobody came to take over'));
    }, timeoutMs);
  });
}

function localSocket(libc: Libc): number {
  return need(libc, 'socket', libc.localSocket());
}

function addressOf(path: string): Uint8Array {
  const address = encodeLocalAddress(path);
  if (address !== undefined) return address;
  throw new HandoverError('HANDOVER_FAILED', `Cannot use socket ${path}: its path is too long`);
}

function need(libc: Libc, call: string, result: number): number {
  if (result >= 0) return result;
  const cause = systemError(libc, call, result);
  throw new HandoverError('HANDOVER_FAILED', `Cannot hand over: ${cause.message}`, { cause });
}
