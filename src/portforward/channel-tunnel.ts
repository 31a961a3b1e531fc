/**
 * A connection over a WebSocket of its own (v4.channel.k8s.io): the first byte of a message is its channel, the first
 * message of each channel its port. One direction cannot end alone here.
 */
import type { Link } from './link.ts';
import { channels } from './protocols.ts';
import type { Tunnel } from './tunnel.ts';

export interface ChannelTunnelOptions {
  readonly side: 'client' | 'server';
  readonly port: number;
}

export interface ChannelTunnel extends Tunnel {
  /** Says what went wrong, from the server's side. */
  fail(message: string): void;
}

const maxProblem = 2_000;

export function channelTunnel(link: Link, { side, port }: ChannelTunnelOptions): ChannelTunnel {
  const ported = new Set<number>();
  let problem = '';
  const send = (channel: number, bytes: Uint8Array): boolean =>
    link.send(Buffer.concat([Buffer.from([channel]), bytes]));
  return {
    start: ({ onBytes, onEnd, onDrain, onClosed }) => {
      link.start({
        onMessage: (message) => {
          if (message.length === 0) return;
          const channel = message.readUInt8(0);
          const bytes = message.subarray(1);
          if (side === 'client' && !ported.has(channel)) return void ported.add(channel);
          if (channel === channels.data && bytes.length > 0) onBytes(bytes);
          else if (channel === channels.error) {
            problem = `${problem}${bytes.toString('utf8')}`.slice(0, maxProblem);
          }
        },
        onDrain,
        onClosed: (why) => {
          onEnd();
          onClosed(problem === '' ? why : problem);
        },
      });
      if (side === 'client') return;
      const said = Buffer.from([port & 0xff, port >> 8]);
      send(channels.data, said);
      send(channels.error, said);
    },
    write: (bytes) => send(channels.data, bytes),
    // A server has nothing more to say than its end; a client may still wait for an answer.
    end: () => {
      if (side === 'server') link.close();
    },
    pause: () => link.pause(),
    resume: () => link.resume(),
    destroy: () => link.close(),
    fail: (message) => {
      send(channels.error, Buffer.from(message));
      link.close();
    },
  };
}
