/** Pages for programs, as a component: where they are served is known when it has started. */
import type { SocketAddress } from '../model/index.ts';
import type { Component, ComponentStatus } from '../obs/index.ts';
import { servePages, type PageHandler, type PageServer } from '../sys/net/index.ts';

export interface PagesOptions {
  readonly name: string;
  /** Undefined: nowhere. */
  readonly at: SocketAddress | undefined;
  readonly handler: PageHandler;
}

export interface Pages extends Component {
  /** Undefined before `start`, after `stop`, and when they are served nowhere. */
  address(): SocketAddress | undefined;
}

export function createPages({ name, at, handler }: PagesOptions): Pages {
  let server: PageServer | undefined;
  let state: ComponentStatus['state'] = 'starting';
  return {
    name,
    start: async () => {
      if (at !== undefined) server = await servePages(at, handler);
      state = 'ready';
    },
    stop: async () => {
      state = 'stopped';
      await server?.close();
      server = undefined;
    },
    status: () => ({ state, detail: undefined }),
    address: () => server?.address,
  };
}
