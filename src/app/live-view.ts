/** What each Service of the demo is given, while somebody watches: drawn over itself each second until Ctrl-C. */
import { paintFor, TopScreen, topView, type CliIo } from '../cli/index.ts';
import type { ControlSource } from '../control/index.ts';
import type { Clock } from '../model/index.ts';
import { demoNamespace } from './demo.ts';

export interface LiveViewOptions {
  readonly source: ControlSource;
  readonly io: CliIo;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const everyMs = 1_000;

/** Shows nothing where the output is no terminal. Resolves when `signal` aborts. */
export async function liveView({ source, io, clock, signal }: LiveViewOptions): Promise<void> {
  const { stdout, env } = io;
  if (stdout.isTTY !== true) return;
  const screen = new TopScreen({
    print: (text) => stdout.write(text),
    terminal: { isTTY: true, rows: stdout.rows, paint: paintFor(stdout, env) },
    format: 'text',
    showNamespace: false,
  });
  const filter = { namespace: demoNamespace, name: undefined };
  stdout.write('\n');
  let before = source.traffic(filter);
  for (;;) {
    await clock.sleep(everyMs, signal);
    if (signal.aborted) return;
    const after = source.traffic(filter);
    screen.show(topView('services', before, after));
    before = after;
  }
}
