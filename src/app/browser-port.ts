/**
 * Where browsers find Services by name. People keep its URLs, so it is the same at every start: the port that was
 * asked for, the one an earlier start had to take instead, or the usual one.
 */
import type { SocketAddress } from '../model/index.ts';
import { createNamePort, type NamePort, type NamePortOptions } from './name-ports.ts';
import type { Objects } from './objects.ts';

export interface BrowserPortOptions extends Pick<NamePortOptions, 'engine' | 'gateway'> {
  /** Exactly this one; undefined: the usual one, or another while that is taken. */
  readonly port: number | undefined;
  readonly objects: Pick<Objects, 'recall' | 'remember'>;
}

const usualBrowserPort = 8_880;

const at = (port: number): SocketAddress => ({ address: '127.0.0.1', port });

export function createBrowserPort({ port, objects, ...parts }: BrowserPortOptions): NamePort {
  return createNamePort({
    ...parts,
    name: 'browsers',
    tls: false,
    places: () => {
      if (port !== undefined) return [at(port)];
      const before = objects.recall('browserPort');
      return [...(before === undefined ? [] : [at(Number(before))]), at(usualBrowserPort), at(0)];
    },
    listening: async ({ port: taken }) => {
      const before = objects.recall('browserPort');
      const isUsual = before === undefined && taken === usualBrowserPort;
      if (port === undefined && !isUsual && before !== String(taken)) {
        await objects.remember('browserPort', String(taken));
      }
    },
  });
}
