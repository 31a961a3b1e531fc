/** The tree of commands. One line a command: the order here is the order of the help. */
import { Command, Option } from 'commander';
import { logLevels } from '../obs/index.ts';
import { addExplain } from './commands/explain.ts';
import { addAudit } from './commands/audit.ts';
import { addBackup, addRestore } from './commands/backup.ts';
import { addBind } from './commands/bind.ts';
import { addCleanup } from './commands/cleanup.ts';
import { addDns } from './commands/dns.ts';
import { addDoctor } from './commands/doctor.ts';
import { addGateway } from './commands/gateway.ts';
import { addGet } from './commands/get.ts';
import { addLint } from './commands/lint.ts';
import { addLogs } from './commands/logs.ts';
import { addRestart } from './commands/restart.ts';
import { addProxy } from './commands/proxy.ts';
import { addRun } from './commands/run.ts';
import { addScale } from './commands/scale.ts';
import { addSpread } from './commands/spread.ts';
import { addTop } from './commands/top.ts';
import { addUp } from './commands/up.ts';
import type { CliIo } from './io.ts';
import { outputFormats } from './output.ts';
import { paintFor } from './paint.ts';
import type { Act } from './session.ts';
import { throwUsageErrors } from './usage-error.ts';

export interface ProgramOptions {
  readonly version: string;
  readonly io: CliIo;
  readonly act: Act;
}

export function buildProgram({ version, io, act }: ProgramOptions): Command {
  const paint = paintFor(io.stdout, io.env);
  const program = new Command('switchyard')
    .description('Decides which backend gets each connection to a Kubernetes Service.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help for the command')
    .helpCommand(false)
    .addOption(
      new Option('-o, --output <format>', 'how answers and errors are printed')
        .choices(outputFormats)
        .default('text'),
    )
    .option('--instance <name>', 'the instance meant, when several run (env: SWITCHYARD_INSTANCE)')
    .addOption(
      new Option(
        '--log-level <level>',
        'the least that is logged; debug also shows causes of errors',
      )
        .choices(logLevels)
        .default('info'),
    )
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (title) => paint('bold', title),
      // Aliases save typing; in the list they only widen it.
      subcommandTerm: (command) => command.name(),
    })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Complaints are thrown, and printed by print-error.ts.
      writeErr: () => undefined,
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getOutHasColors: () => io.stdout.isTTY === true && !io.env.noColor,
    });
  program.addHelpText('after', '\nRun switchyard COMMAND --help for more about a command.');
  addUp(program, act);
  addRestart(program, act);
  addRun(program, act);
  addBind(program, act);
  addScale(program, act);
  addLogs(program, act);
  addBackup(program, act);
  addRestore(program, act);
  addGet(program, act);
  addTop(program, act);
  addSpread(program, act);
  addExplain(program, act);
  addProxy(program, act);
  addGateway(program, act);
  addDns(program, act);
  addDoctor(program, act);
  addAudit(program, act);
  addCleanup(program, act);
  addLint(program, act);
  throwUsageErrors(program);
  return program;
}
