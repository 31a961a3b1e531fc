/** What a container asks for before its process is told to end: a command, a request, or a while of nothing. */
import type { LifecycleHandler } from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { askCommand, askHttp, type ProbeTarget } from './probe.ts';

/** Resolves with what went wrong, undefined when nothing did; takes `atMostMs`, or until `signal` aborts. */
export async function runHook(
  { exec, httpGet, sleep }: LifecycleHandler,
  target: ProbeTarget,
  { atMostMs, signal }: { readonly atMostMs: number; readonly signal: AbortSignal },
): Promise<string | undefined> {
  // What is left of a grace has fractions, which timers do not take.
  const timeoutMs = Math.ceil(atMostMs);
  try {
    if (exec !== undefined) {
      return await askCommand(exec.command ?? [], { target, timeoutMs, signal });
    }
    if (httpGet !== undefined) {
      return await askHttp(httpGet, { target, timeoutMs, signal });
    }
    const { seconds = 0 } = sleep ?? {};
    await target.clock.sleep(Math.min(seconds * 1_000, timeoutMs), signal);
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
