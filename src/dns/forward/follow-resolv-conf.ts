/**
 * Keeps the upstream servers as the host's resolv.conf names them: read again and again, because it is often a
 * link into a folder that somebody else replaces, where no watch of the file itself would see a change.
 */
import {
  formatSocketAddress,
  messageOf,
  type Clock,
  type SocketAddress,
} from '../../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../../obs/index.ts';
import { parseResolvConf } from './resolv-conf.ts';

export interface FollowResolvConfOptions {
  /** The text of the file; rejects when it cannot be read. */
  readonly read: () => Promise<string>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly everyMs: number;
  /** Gets the servers whenever they are others than before. */
  readonly onServers: (servers: readonly SocketAddress[]) => void;
}

/** A file that cannot be read, or names nobody, changes nothing: the last servers are better than none. */
export function createResolvConfFollower(options: FollowResolvConfOptions): Component {
  const { read, clock, log, everyMs, onServers } = options;
  const stopping = new AbortController();
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  let known = '';
  const look = async (): Promise<void> => {
    try {
      const servers = parseResolvConf(await read());
      const key = servers.map(formatSocketAddress).join(' ');
      status = { state: 'ready', detail: key === '' ? 'no name server is configured' : key };
      if (key === known || key === '') return;
      log[known === '' ? 'debug' : 'info']('Upstream servers', { servers: key });
      known = key;
      onServers(servers);
    } catch (thrown) {
      status = { state: 'ready', detail: `keeping ${known || 'none'}: ${messageOf(thrown)}` };
    }
  };
  let watching: Promise<void> | undefined;
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(everyMs, stopping.signal);
      if (!stopping.signal.aborted) await look();
    }
  };
  return {
    name: 'resolv-conf',
    start: async () => {
      await look();
      watching = watch();
    },
    stop: async () => {
      stopping.abort();
      await watching;
      status = { state: 'stopped', detail: undefined };
    },
    status: () => status,
  };
}
