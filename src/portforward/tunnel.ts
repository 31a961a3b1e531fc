/** One connection carried over a link, and how it is joined with a real one. */
import type { ByteStream } from '../sys/net/index.ts';

export interface TunnelEvents {
  readonly onBytes: (bytes: Buffer) => void;
  /** The peer sends no more. */
  readonly onEnd: () => void;
  readonly onDrain: () => void;
  /** Called once; `problem` when it ended otherwise than both meant it. */
  readonly onClosed: (problem: string | undefined) => void;
}

export interface Tunnel {
  /** Nothing is handed out before; called once. */
  start(events: TunnelEvents): void;
  write(bytes: Uint8Array): boolean;
  end(): void;
  pause(): void;
  resume(): void;
  /** Gives the connection up; what is unsent is dropped. */
  destroy(): void;
}

/** How long a peer that was told the end may go on without a byte. */
const endedMs = 10_000;

/** Joins both until they are over; resolves with what went wrong, if anything did. */
export function joinTunnel(near: ByteStream, tunnel: Tunnel): Promise<string | undefined> {
  return new Promise((resolve) => {
    let isOver = false;
    const over = (problem: string | undefined): void => {
      if (isOver) return;
      isOver = true;
      resolve(problem);
    };
    near.start({
      onBytes: (bytes) => {
        if (!tunnel.write(bytes)) near.pause();
      },
      onEnd: () => tunnel.end(),
      onDrain: () => tunnel.resume(),
      onClosed: () => {
        tunnel.destroy();
        over(undefined);
      },
    });
    tunnel.start({
      onBytes: (bytes) => {
        if (!near.write(bytes)) tunnel.pause();
      },
      onEnd: () => near.end(),
      onDrain: () => near.resume(),
      onClosed: (problem) => {
        over(problem);
        if (problem !== undefined) return near.destroy('reset');
        near.end();
        near.resume();
        near.setIdleTimeout(endedMs);
      },
    });
  });
}
