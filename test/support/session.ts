/** Runs the commands of a page in one shell, as a reader would, and holds what they print against the page. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fencesOf } from './markdown.ts';

export interface PageCommand {
  /** Line of the page, from 1. */
  readonly line: number;
  readonly command: string;
  /** What the page shows; empty: only the exit status counts. */
  readonly expected: readonly string[];
}

export interface Outcome {
  readonly status: number;
  /** Both streams, as a terminal would show them. */
  readonly output: readonly string[];
}

/**
 * The commands of all `sh` fences: lines that begin with `$ `, each with the output lines below it. A line
 * that ends with a backslash goes on in the next one.
 */
export function commandsOf(markdown: string): readonly PageCommand[] {
  const commands: { line: number; command: string; expected: string[] }[] = [];
  for (const fence of fencesOf(markdown).filter(({ language }) => language === 'sh')) {
    let current: (typeof commands)[number] | undefined;
    for (const [index, text] of fence.lines.entries()) {
      if (text.startsWith('$ ')) {
        current = { line: fence.line + 1 + index, command: text.slice(2), expected: [] };
        commands.push(current);
      } else if (current === undefined) {
        throw new Error(
          `line ${fence.line + 1 + index}: an sh fence begins with a line "$ command"`,
        );
      } else if (current.expected.length === 0 && current.command.endsWith('\\')) {
        current.command += `\n${text}`;
      } else current.expected.push(text);
    }
  }
  return commands;
}

/**
 * Whether output is what the page shows. `...` within a line stands for any text, as a line of its own for any
 * number of lines; spaces at line ends and blank lines at the end do not count.
 */
export function matches(output: readonly string[], expected: readonly string[]): boolean {
  const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const lines = trimmed(expected).map((line) =>
    line.trim() === '...' ? '(?:.*\\n)*?' : `${line.split('...').map(escape).join('.*')}\\n`,
  );
  const text = trimmed(output).map((line) => `${line}\n`);
  return new RegExp(`^${lines.join('')}$`).test(text.join(''));
}

function trimmed(lines: readonly string[]): readonly string[] {
  const clean = lines.map((line) => line.trimEnd());
  return clean.slice(0, clean.findLastIndex((line) => line !== '') + 1);
}

/** What to show when a command did not do what the page says; undefined when it did. */
export function complaint(page: string, wanted: PageCommand, seen: Outcome): string | undefined {
  const isWrong = wanted.expected.length > 0 && !matches(seen.output, wanted.expected);
  if (seen.status === 0 && !isWrong) return undefined;
  return [
    `${page}:${wanted.line}: $ ${wanted.command}`,
    ...(seen.status === 0
      ? []
      : [`exit status ${seen.status}, a page shows commands that succeed`]),
    ...(wanted.expected.length === 0 ? [] : ['the page shows:', ...indented(wanted.expected)]),
    'it printed:',
    ...indented(seen.output),
  ].join('\n');
}

const indented = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => `  | ${line}`);

export interface Session {
  /** Rejects when the shell ends, or does not finish the command in time. */
  run(command: string): Promise<Outcome>;
  /** Ends the shell and waits for it. */
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly cwd: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
}

const marker = '--switchyard-session-end--';

/** One shell for all commands, so that variables and folders stay as on a reader's terminal. */
export function openSession({ cwd, env, timeoutMs }: SessionOptions): Session {
  const shell = spawn('sh', ['-c', 'exec sh 2>&1'], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: shell.stdout });
  const ended = new Promise<void>((resolve) => shell.once('close', () => resolve()));
  const run = async (command: string): Promise<Outcome> => {
    const output: string[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const onLine = (line: string): void => {
      // Output without a newline at its end stands before the marker.
      const at = line.indexOf(marker);
      if (at !== 0) output.push(at < 0 ? line : line.slice(0, at));
      if (at >= 0) resolve(Number(line.slice(at + marker.length)));
    };
    const give = (why: string): void => reject(new Error(`${why} in: ${command}`));
    const timer = setTimeout(() => give(`no end after ${timeoutMs} ms`), timeoutMs);
    lines.on('line', onLine);
    void ended.then(() => give('the shell ended'));
    // Commands read nothing of what follows them.
    shell.stdin.write(`{ ${command}\n} </dev/null\nprintf '%s%d\\n' '${marker}' "$?"\n`);
    try {
      return { status: await promise, output };
    } finally {
      clearTimeout(timer);
      lines.off('line', onLine);
    }
  };
  const close = async (): Promise<void> => {
    shell.stdin.end();
    shell.kill();
    await ended;
  };
  return { run, close };
}
