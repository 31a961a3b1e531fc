/**
 * Paths of Unix sockets, which the system keeps in a field of about a hundred bytes.
 *
 * A longer path is reached on Linux through a descriptor of its folder (`/proc/self/fd/N/NAME`), so the socket
 * stays where everyone looks for it. Elsewhere it is refused by name: a second place would have to be guessed.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { platform } from 'node:process';
import { messageOf } from '../../model/index.ts';
import { LocalError } from './errors.ts';

/**
 * macOS has 104 bytes with the end mark, Linux 108. One limit for both, so that a path means the same; it leaves
 * room for the suffix with which a stale socket is moved aside.
 */
const maxPathBytes = 95;

export interface SocketPath {
  /** What bind and connect take. */
  readonly address: string;
  /** Call it when the socket made through `address` is closed; it stands for an open descriptor. */
  release(): Promise<void>;
}

export interface SocketPathOptions {
  /** `sun_path` of the system, given by tests only. */
  readonly system?: string;
}

/** Rejects with LOCAL_PATH_TOO_LONG, and with LOCAL_NOT_SERVED when a long path's folder is missing. */
export async function openSocketPath(
  path: string,
  options: SocketPathOptions = {},
): Promise<SocketPath> {
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxPathBytes) return { address: path, release: async () => undefined };
  const name = basename(path);
  if ((options.system ?? platform) !== 'linux' || Buffer.byteLength(name) > 60) {
    throw new LocalError(
      'LOCAL_PATH_TOO_LONG',
      `Cannot use socket ${path}: its path has ${bytes} bytes, the system takes ${maxPathBytes}`,
      { remedy: 'Set XDG_RUNTIME_DIR to a folder with a shorter path' },
    );
  }
  try {
    const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    return {
      address: `/proc/self/fd/${folder.fd}/${name}`,
      release: () => folder.close(),
    };
  } catch (cause) {
    throw new LocalError('LOCAL_NOT_SERVED', `Cannot reach socket ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
