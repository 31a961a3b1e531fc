/** What all parts of one gateway share. */
import type { ByteWriter, FieldTable, RequestHead, ResponseHead } from '../codec/http1/index.ts';
import type { Cidr, Clock } from '../model/index.ts';
import type { TlsDoor } from '../sys/http2/index.ts';
import type { StreamEngine } from '../sys/net/index.ts';
import type { AccessLog } from './access-log.ts';
import type { PortCount } from './counters.ts';
import type { Deadlines } from './deadlines.ts';
import type { EndpointPools } from './endpoint-pool.ts';
import type { Exchange } from './exchange.ts';
import type { GatewayPort } from './router.ts';

export interface Context {
  readonly engine: StreamEngine;
  readonly clock: Clock;
  readonly accessLog: AccessLog;
  readonly deadlines: Deadlines;
  readonly pools: EndpointPools;
  readonly exchanges: Exchanges;
  /** Read into by whoever reads a head, and done with before it returns. */
  readonly requestHead: RequestHead;
  readonly responseHead: ResponseHead;
  readonly trailers: FieldTable;
  /** Written to by whoever answers, and sent before it returns. */
  readonly wire: ByteWriter;
}

/** Exchanges that are not in use, so that a request makes none. */
export interface Exchanges {
  take(): Exchange;
  giveBack(exchange: Exchange): void;
}

/** A GatewayPort with what is kept for it. */
export interface ServedPort extends Omit<GatewayPort, 'trustedProxies' | 'tls'> {
  readonly tls: TlsDoor | undefined;
  readonly trusted: readonly Cidr[];
  readonly count: PortCount;
}
