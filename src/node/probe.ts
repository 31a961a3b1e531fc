/** Asks a process how it is, again and again, with the kubelet's thresholds and defaults. */
import type { Container, HttpGetAction, Probe } from '../kube/index.ts';
import { messageOf, type Clock, type SocketAddress } from '../model/index.ts';
import { startChild, type Within } from '../sys/index.ts';
import { checkGrpc, checkHttp, type NetEngine } from '../sys/net/index.ts';

/** Where and how a Pod is asked. */
export interface ProbeTarget {
  readonly address: string;
  readonly container: Container | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string | undefined;
  /** Where its own commands run. */
  readonly within: Within;
  readonly engine: NetEngine;
  readonly clock: Clock;
}

/** Undefined when it is well, else why not. */
type Ask = (timeoutMs: number, signal: AbortSignal) => Promise<string | undefined>;

export interface ProbeRun {
  readonly probe: Probe;
  readonly target: ProbeTarget;
  /** Ends the asking. */
  readonly signal: AbortSignal;
  /** Called when enough answers in a row say so; `why` when it is not well. Return true to stop asking. */
  readonly onTurn: (isWell: boolean, why: string | undefined) => boolean;
}

/** Asks until `onTurn` returns true or the signal aborts; never rejects. */
export async function runProbe({ probe, target, signal, onTurn }: ProbeRun): Promise<void> {
  const { initialDelaySeconds = 0, periodSeconds = 10, timeoutSeconds = 1 } = probe;
  const { successThreshold = 1, failureThreshold = 3 } = probe;
  const ask = askOf(probe, target);
  let isWell: boolean | undefined;
  let inRow = 0;
  await target.clock.sleep(initialDelaySeconds * 1_000, signal);
  while (!signal.aborted) {
    const why = await tryAsk(ask, timeoutSeconds * 1_000, signal);
    if (signal.aborted) return;
    inRow = (why === undefined) === isWell ? inRow + 1 : 1;
    isWell = why === undefined;
    const isTurn = inRow >= (isWell ? successThreshold : failureThreshold);
    if (isTurn && onTurn(isWell, why)) return;
    await target.clock.sleep(Math.max(1, periodSeconds) * 1_000, signal);
  }
}

async function tryAsk(
  ask: Ask,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return await ask(timeoutMs, signal);
  } catch (thrown) {
    return messageOf(thrown);
  }
}

function askOf({ httpGet, tcpSocket, grpc, exec }: Probe, target: ProbeTarget): Ask {
  if (httpGet !== undefined) {
    return (timeoutMs, signal) => askHttp(httpGet, { target, timeoutMs, signal });
  }
  if (tcpSocket !== undefined) {
    return async (timeoutMs, signal) => {
      const where = placeOf(target, tcpSocket);
      (await target.engine.connect(where, { timeoutMs, signal })).destroy();
      return undefined;
    };
  }
  if (grpc !== undefined) {
    const { port, service = '' } = grpc;
    return async (timeoutMs, signal) => {
      const isServing = await checkGrpc({
        at: placeOf(target, { port }),
        service,
        timeoutMs,
        signal,
      });
      return isServing ? undefined : 'service unhealthy (responded with "NOT_SERVING")';
    };
  }
  return (timeoutMs, signal) => askCommand(exec?.command ?? [], { target, timeoutMs, signal });
}

export interface Asking {
  readonly target: ProbeTarget;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Undefined when it answers well, else how it answered. Rejects when it does not. */
export async function askHttp(
  { path = '/', scheme = 'HTTP', port, host, httpHeaders = [] }: HttpGetAction,
  { target, timeoutMs, signal }: Asking,
): Promise<string | undefined> {
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  const at = placeOf(target, { port, host });
  const secure = scheme === 'HTTPS';
  const status = await checkHttp({ at, path, secure, headers, timeoutMs, signal });
  const isFine = status >= 200 && status < 400;
  return isFine ? undefined : `HTTP probe failed with statuscode: ${status}`;
}

/** Undefined when it ends with 0, else how it ended. Rejects when it cannot be started. */
export async function askCommand(
  command: readonly string[],
  { target, timeoutMs, signal }: Asking,
): Promise<string | undefined> {
  let last = '';
  const child = await startChild({
    command,
    env: target.env,
    cwd: target.folder,
    within: target.within,
    onLine: (line) => {
      last = line;
    },
  });
  const over = new AbortController();
  const ended = child.ended.finally(() => over.abort());
  await target.clock.sleep(timeoutMs, AbortSignal.any([signal, over.signal]));
  if (!over.signal.aborted) {
    child.kill('SIGKILL');
    await ended;
    return `command timed out after ${timeoutMs} ms`;
  }
  const { code } = await ended;
  return code === 0 ? undefined : `command ended with code ${code ?? '?'}: ${last}`;
}

function placeOf(
  target: ProbeTarget,
  { port, host }: { readonly port: number | string; readonly host?: string | undefined },
): SocketAddress {
  return { address: host ?? target.address, port: portOf(port, target.container) };
}

/** A port by number, or by the name the container gives it; 0 when it has none of that name. */
function portOf(port: number | string, container: Container | undefined): number {
  if (typeof port === 'number') return port;
  return container?.ports?.find(({ name }) => name === port)?.containerPort ?? 0;
}
