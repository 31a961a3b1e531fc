/** What the command line needs of the world, so that tests need no process: streams, settings, deeds. */
import type { RunRequest } from '../control/index.ts';
import type { Clock, ErrorTable } from '../model/index.ts';
import type { LogLevel } from '../obs/index.ts';

/** `process.stdout` is one. */
export interface CliStream {
  write(text: string): void;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** What the environment says; read in app/. */
export interface CliEnv {
  readonly home: string | undefined;
  readonly xdgRuntimeDir: string | undefined;
  /** SWITCHYARD_INSTANCE. */
  readonly instance: string | undefined;
  /** NO_COLOR is set and not empty. */
  readonly noColor: boolean;
}

export interface CliIo {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly env: CliEnv;
  /** The folder the command was given in. */
  readonly folder?: string | undefined;
}

export const upModes = ['userspace'] as const;

/** How sockets are worked; the names are sys/net's. */
export const upEngines = ['portable', 'epoll', 'auto'] as const;

export interface UpOptions {
  /** Files and folders of manifests, in the order given. */
  readonly files: readonly string[];
  readonly demo: boolean;
  readonly mode: (typeof upModes)[number];
  readonly engine: (typeof upEngines)[number];
  /** Undefined when neither --instance nor SWITCHYARD_INSTANCE names one. */
  readonly instance: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  readonly output: 'text' | 'json';
  /** Takes the place of the running instance. */
  readonly replace: boolean;
  /** And is started as that was: its files, engine and drain. */
  readonly asBefore: boolean;
  /** How long connections may go on when it ends or is replaced; undefined for the defaults. */
  readonly drainSeconds: number | undefined;
  /** Run as soon as everything serves. */
  readonly run?: RunRequest | undefined;
}

export interface CliDeps {
  readonly version: string;
  readonly clock: Clock;
  /** Runs until it is told to stop; resolves with the exit code. */
  up(options: UpOptions): Promise<number>;
  /** The tables of every room, to tell whose fault an error is. Asked only when something failed. */
  errorTables(): Promise<readonly ErrorTable[]>;
}
