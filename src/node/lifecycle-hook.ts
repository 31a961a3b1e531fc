/**
 * What a container asks for when its process has started, and before it is told to end: a command, a request, or a while
 * of nothing.
 */
import type { LifecycleHandler } from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { askCommand, askHttp, type ProbeTarget } from './probe.ts';

/** Resolves with what went wrong, undefined when nothing did; takes `atMostMs`, or until `signal` aborts. */
export async function runHook(
  { exec, httpGet, sleep, tcpSocket }: LifecycleHandler,
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
    // The API takes it for the sake of old manifests.
    if (tcpSocket !== undefined) return 'invalid handler: tcpSocket';
    const { seconds = 0 } = sleep ?? {};
    await target.clock.sleep(Math.min(seconds * 1_000, timeoutMs), signal);
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
