/** The output of a Pod that is a process of this host. */
import { ApiError, isOfKind, podKind, type KubeObject } from '../kube/index.ts';
import type { Answer, ApiContext, LogSource, PodLine, ResourceRequest } from './context.ts';
import { isSet, numberIn } from './request-info.ts';

export async function podLog(
  { http, path, query, resource }: ResourceRequest,
  name: string,
  { registry, logs, clock }: ApiContext,
): Answer {
  const { namespace } = path;
  const pod = await registry.get(resource.kind, { namespace, name });
  checkContainer(pod, query.get('container') ?? '');
  const key = `${namespace}/${name}`;
  const lines = logs?.linesOf(key);
  const follow = isSet(query, 'follow');
  if (lines === undefined || logs === undefined) {
    throw new ApiError(
      'BadRequest',
      `pod ${JSON.stringify(name)} has no output here: it is an address, or its process has not said anything yet`,
    );
  }
  const format = formatterOf(query);
  const kept = selected(lines, query, clock.now());
  return {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    stream: async (out) => {
      const send = (line: PodLine): Promise<void> => out.write(format(line));
      for (const line of kept) await send(line);
      if (follow) await followLines(logs, key, { send, signal: http.signal });
    },
  };
}

function checkContainer(pod: KubeObject, container: string): void {
  if (container === '' || !isOfKind(podKind, pod)) return;
  const names = (pod.spec?.containers ?? []).map(({ name }) => name);
  if (names.includes(container)) return;
  throw new ApiError(
    'BadRequest',
    `container ${container} is not valid for pod ${pod.metadata.name}`,
  );
}

function selected(
  lines: readonly PodLine[],
  query: URLSearchParams,
  nowMs: number,
): readonly PodLine[] {
  const tail = numberIn(query, 'tailLines');
  const seconds = numberIn(query, 'sinceSeconds');
  const time = Date.parse(query.get('sinceTime') ?? '');
  const since = seconds === undefined ? (Number.isNaN(time) ? 0 : time) : nowMs - seconds * 1_000;
  const recent = lines.filter(({ atMs }) => atMs >= since);
  if (tail === undefined) return recent;
  return tail <= 0 ? [] : recent.slice(-tail);
}

function formatterOf(query: URLSearchParams): (line: PodLine) => string {
  if (!isSet(query, 'timestamps')) return ({ text }) => `${text}\n`;
  return ({ text, atMs }) => `${new Date(atMs).toISOString()} ${text}\n`;
}

interface Following {
  readonly send: (line: PodLine) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Lines that wait for a client that does not read; the oldest go. */
const maxWaiting = 2_000;

async function followLines(
  logs: LogSource,
  key: string,
  { send, signal }: Following,
): Promise<void> {
  const waiting: PodLine[] = [];
  let wake = (): void => undefined;
  const stop = logs.follow(key, (line) => {
    waiting.push(line);
    if (waiting.length > maxWaiting) waiting.shift();
    wake();
  });
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted) {
      const line = waiting.shift();
      if (line !== undefined) await send(line);
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    stop();
  }
}
