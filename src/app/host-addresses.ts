/** The addresses of this host while it runs: interfaces come and go, DHCP gives others, a keepalived takes one over. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../model/index.ts';
import type { Component } from '../obs/index.ts';
import { interfaceAddresses } from '../sys/index.ts';

/** An address that came is served, and one that went is not, within a second: half of it is for the sync. */
const lookEveryMs = 500;

/** Calls back whenever interfaces have other addresses than when it was last looked. */
export function followHostAddresses({
  clock,
  changed,
  addresses = interfaceAddresses,
}: {
  readonly clock: Clock;
  readonly changed: (addresses: readonly string[]) => void;
  readonly addresses?: () => readonly string[];
}): Component {
  const stopping = new AbortController();
  const { signal } = stopping;
  let current = addresses();
  const follow = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(lookEveryMs, signal);
      if (signal.aborted) return;
      const next = addresses();
      if (isDeepStrictEqual(next, current)) continue;
      current = next;
      changed(next);
    }
  };
  let following: Promise<void> | undefined;
  return {
    name: 'host-addresses',
    start: async () => {
      following = follow();
    },
    stop: async () => {
      stopping.abort();
      await following;
    },
    status: () => ({ state: signal.aborted ? 'stopped' : 'ready', detail: undefined }),
  };
}
