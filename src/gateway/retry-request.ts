/** A request for the router's second look: what it was, from what would be sent again. */
import { RequestHead } from '../codec/http1/index.ts';
import type { Exchange } from './exchange.ts';
import { valueIn } from './messages.ts';
import type { RequestFacts } from './router.ts';

export interface Retry {
  readonly attempt: number;
  readonly tried: readonly string[];
}

export function retryRequest(exchange: Exchange, { attempt, tried }: Retry): RequestFacts {
  const { method, scheme, clientAddress, list, out } = exchange;
  const common = { method, scheme, client: clientAddress, attempt, tried: [...tried] };
  if (list !== undefined) {
    const read = (name: string): string | undefined => valueIn(list, name);
    return {
      ...common,
      authority: read(':authority') ?? '',
      path: read(':path') ?? '',
      header: read,
    };
  }
  const head = new RequestHead();
  head.read(out.bytes, 0, out.length);
  return {
    ...common,
    authority: head.authority,
    path: head.target,
    header: (name) => head.fields.valueOf(name),
  };
}
