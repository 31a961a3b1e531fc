/** How the command line can be used wrongly. */
import { CodedError, type CodeOf, type ErrorTable } from '../model/index.ts';

export const cliErrors = {
  user: {
    CLI_UNKNOWN_COMMAND: 'There is no such command',
    CLI_UNKNOWN_OPTION: 'The command has no such option',
    CLI_MISSING_VALUE: 'The command needs an argument, a value or a command more',
    CLI_TOO_MANY_ARGUMENTS: 'The command takes fewer arguments',
    CLI_INVALID_VALUE: 'The command does not take the value',
  },
  ours: {
    CLI_FAILED: 'The command failed in a way nobody foresaw: a bug',
  },
} as const satisfies ErrorTable;

export class CliError extends CodedError<CodeOf<typeof cliErrors>> {}
