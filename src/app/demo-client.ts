/** A client of the demo's tour that asks again and again on one connection, with or without a browser's cookies. */
import { parseSocketAddress } from '../model/index.ts';
import { createKeptClient } from '../sys/net/index.ts';

const podPattern = /^Hello from (\S+)/;

export interface KeptRequests {
  /** `ADDRESS:PORT`. */
  readonly at: string;
  readonly requests: number;
  readonly keepsCookies: boolean;
}

/** How many requests of one client each Pod answered. */
export async function countKept(wanted: KeptRequests): Promise<ReadonlyMap<string, number>> {
  const at = parseSocketAddress(wanted.at);
  const counts = new Map<string, number>();
  if (at === undefined) return counts;
  const client = createKeptClient(at);
  let cookie: string | undefined;
  try {
    for (let i = 0; i < wanted.requests; i++) {
      const answer = await client.ask(cookie === undefined ? {} : { cookie });
      const pod = podPattern.exec(answer.text)?.[1] ?? '?';
      counts.set(pod, (counts.get(pod) ?? 0) + 1);
      const [given] = answer.setCookie;
      if (wanted.keepsCookies && given !== undefined) cookie = given.split(';')[0];
    }
  } finally {
    client.close();
  }
  return new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
