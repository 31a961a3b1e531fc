/** What the action of a command is given: the global options, the way to the running instance, progress. */
import type { ControlClient } from '../control/index.ts';
import type { LogLevel } from '../obs/index.ts';
import type { CliDeps, CliIo } from './io.ts';
import type { OutputFormat } from './output.ts';
import { paintFor, type Paint } from './paint.ts';
import { createProgress, type Progress } from './progress.ts';
import type { CommandResult } from './result.ts';

export interface GlobalOptions {
  readonly output: OutputFormat;
  readonly instance?: string;
  readonly logLevel: LogLevel;
}

export interface Session {
  readonly deps: CliDeps;
  /** The instance named by option or environment. */
  readonly instance: string | undefined;
  readonly logLevel: LogLevel;
  readonly progress: Progress;
  /** The folder the command was given in; undefined where there is none. */
  readonly folder: string | undefined;
  /** Where `print` writes. */
  readonly terminal: {
    readonly isTTY: boolean;
    readonly rows: number | undefined;
    readonly paint: Paint;
  };
  /** Writes to stdout at once: for answers that come bit by bit. */
  readonly print: (text: string) => void;
  /** Rejects with the CONTROL codes of finding an instance. */
  connect(): Promise<ControlClient>;
}

/** Runs the work of a command and keeps its result for printing. */
export type Act = (
  options: GlobalOptions,
  work: (session: Session) => Promise<CommandResult>,
) => Promise<void>;

export function createSession(options: GlobalOptions, io: CliIo, deps: CliDeps): Session {
  const instance = options.instance ?? io.env.instance;
  return {
    deps,
    instance,
    logLevel: options.logLevel,
    progress: createProgress(io.stderr, deps.clock),
    folder: io.folder,
    terminal: {
      isTTY: io.stdout.isTTY === true,
      rows: io.stdout.rows,
      paint: paintFor(io.stdout, io.env),
    },
    print: (text) => io.stdout.write(text),
    connect: async () => {
      // Only now: `up` and --help start without the client and its HTTP.
      const { chooseInstance, createControlClient } = await import('../control/index.ts');
      const { socketPath } = await chooseInstance(io.env, instance);
      return createControlClient(socketPath);
    },
  };
}
