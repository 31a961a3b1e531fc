/** From arguments to an exit code: the whole command line as one function that touches no process. */
import type { Command } from 'commander';
import type { CliDeps, CliIo } from './io.ts';
import { outputFormats, printResult, type OutputFormat } from './output.ts';
import { printError } from './print-error.ts';
import { buildProgram } from './program.ts';
import { createSession } from './session.ts';
import { HelpShown } from './usage-error.ts';

/** `argv` without the program itself. Never rejects: whatever fails is printed to stderr. */
export async function runCli(argv: readonly string[], io: CliIo, deps: CliDeps): Promise<number> {
  let exitCode = 0;
  try {
    const program = buildProgram({
      version: deps.version,
      io,
      act: async (options, work) => {
        const result = await work(createSession(options, io, deps));
        exitCode = printResult(result, options.output, io);
      },
    });
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(helpLast(argv, program), { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof HelpShown) return exitCode;
    return printError(thrown, {
      format: peekFormat(argv),
      debug: peek(argv, '--log-level') === 'debug',
      io,
      // Without them the failure is still told, as ours.
      tables: await deps.errorTables().catch(() => []),
    });
  }
}

/** `help spread service` is `spread service --help`; commander's own help command goes one level deep. */
function helpLast(argv: readonly string[], program: Command): readonly string[] {
  const [first, name, ...rest] = argv;
  if (first !== 'help') return argv;
  if (name === undefined) return ['--help'];
  // An unknown command is complained of as one: with --help it would get the help of the program.
  const isKnown = program.commands.some((command) => command.name() === name);
  return isKnown ? [name, ...rest, '--help'] : [name];
}

/** The format wanted, also when the arguments could not be understood. */
function peekFormat(argv: readonly string[]): OutputFormat {
  const wanted = peek(argv, '--output') ?? peek(argv, '-o');
  return outputFormats.find((format) => format === wanted) ?? 'text';
}

/** `--name value`, `--name=value`, `-nvalue`; the last one counts. */
function peek(argv: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (const [i, arg] of argv.entries()) {
    if (arg === '--') break;
    if (arg === name) found = argv[i + 1];
    else if (arg.startsWith(`${name}=`)) found = arg.slice(name.length + 1);
    else if (!name.startsWith('--') && arg.startsWith(name)) found = arg.slice(name.length);
  }
  return found;
}
