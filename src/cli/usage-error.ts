/** Commander's complaints in our shape: what, why, and what to do instead. */
import type { Command, CommanderError } from 'commander';
import { CliError } from './errors.ts';

type UsageCode =
  | 'CLI_UNKNOWN_COMMAND'
  | 'CLI_UNKNOWN_OPTION'
  | 'CLI_MISSING_VALUE'
  | 'CLI_TOO_MANY_ARGUMENTS'
  | 'CLI_INVALID_VALUE';

const codes: Readonly<Record<string, UsageCode>> = {
  'commander.unknownCommand': 'CLI_UNKNOWN_COMMAND',
  'commander.unknownOption': 'CLI_UNKNOWN_OPTION',
  'commander.help': 'CLI_MISSING_VALUE',
  'commander.missingArgument': 'CLI_MISSING_VALUE',
  'commander.optionMissingArgument': 'CLI_MISSING_VALUE',
  'commander.excessArguments': 'CLI_TOO_MANY_ARGUMENTS',
};

/** Makes a command and those below it throw CliErrors; where help or the version was asked for, HelpShown. */
export function throwUsageErrors(command: Command): void {
  command.exitOverride((error) => {
    throw usageError(error, command);
  });
  for (const sub of command.commands) throwUsageErrors(sub);
}

/** Thrown when help or the version was printed and all is done. */
export class HelpShown extends Error {}

function usageError(error: CommanderError, command: Command): Error {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') {
    return new HelpShown();
  }
  const path = pathOf(command);
  const [reason = '', hint = ''] =
    error.code === 'commander.help'
      ? [`it needs a command: ${listOf(command.commands.map((sub) => sub.name()))}`]
      : error.message.replace(/^error: /, '').split('\n');
  const suggestion = /^\((Did you mean .+)\)$/.exec(hint)?.[1];
  const help = `See ${path} --help`;
  return new CliError(
    codes[error.code] ?? 'CLI_INVALID_VALUE',
    `Cannot run ${path}: ${reason.replace(/\.$/, '')}`,
    { cause: error, remedy: suggestion === undefined ? help : `${suggestion} ${help}` },
  );
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`;
}
