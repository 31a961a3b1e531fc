/** One line a request, of a share of them. */
import type { Random } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import type { FailureKind } from './router.ts';

export interface AccessRecord {
  readonly port: string;
  readonly method: string;
  readonly path: string;
  readonly status: number | undefined;
  readonly endpoint: string | undefined;
  readonly failure: FailureKind | undefined;
  readonly attempts: number;
  readonly tookMs: number;
}

export interface AccessLog {
  /** Whether the next request is written down. */
  samples(): boolean;
  write(record: AccessRecord): void;
}

export interface AccessLogOptions {
  readonly log: Logger;
  /** Of all requests, 0 to 1. */
  readonly share: number;
  readonly random: Random;
}

export function createAccessLog({ log, share, random }: AccessLogOptions): AccessLog {
  return {
    samples: () => share > 0 && (share >= 1 || random() < share),
    write: (record) => log.info('Request', { ...record }),
  };
}
