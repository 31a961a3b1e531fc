/** Prints what a command returned, as text or JSON, and says how it went as an exit code. */
import type { ExplainView, ServiceFilter } from '../control/index.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { paintFor } from './paint.ts';
import { renderAudit } from './render/audit.ts';
import { renderBackup } from './render/backup.ts';
import { renderCleanup } from './render/cleanup.ts';
import { renderDoctor } from './render/doctor.ts';
import { renderEndpoints } from './render/endpoints.ts';
import { renderExplanation } from './render/explanation.ts';
import { renderName } from './render/name.ts';
import { renderLint } from './render/lint.ts';
import { renderPlan } from './render/plan.ts';
import { renderRequest } from './render/request.ts';
import { renderServices } from './render/services.ts';
import { renderSpread } from './render/spread.ts';
import { limitNote } from './render/top.ts';
import { renderWays } from './render/ways.ts';
import { renderWorkload } from './render/workload.ts';
import type { CommandResult } from './result.ts';

export type OutputFormat = 'text' | 'json';

export const outputFormats: readonly OutputFormat[] = ['text', 'json'];

/** Data goes to stdout; a note about there being none to stderr. Returns the exit code. */
export function printResult(result: CommandResult, format: OutputFormat, io: CliIo): number {
  if (result.kind === 'ended') return result.exitCode;
  io.stdout.write(format === 'json' ? renderJson(result) : renderText(result, io));
  if (result.kind === 'endpoints') io.stderr.write(limitNote(result.limited));
  switch (result.kind) {
    case 'services':
    case 'endpoints':
      if (result.items.length > 0) return exitCodes.fine;
      io.stderr.write(`${noneNote(result.kind, result.asked)}\n`);
      // Naming one asks whether it is there; naming none asks for all there are, and none is a fine answer.
      return result.asked.name === undefined ? exitCodes.fine : exitCodes.no;
    case 'plan':
    case 'metrics':
    case 'workload':
    case 'backup':
    case 'cleanup':
      return exitCodes.fine;
    case 'explanation':
      return isFine(result.view) ? exitCodes.fine : exitCodes.no;
    case 'doctor': {
      const isBroken = result.view.checks.some(({ state }) => state === 'broken');
      return isBroken ? exitCodes.no : exitCodes.fine;
    }
    case 'ways':
      return result.view.dns.length > 0 ? exitCodes.fine : exitCodes.no;
    case 'name':
      return result.view.verdict === 'answered' ? exitCodes.fine : exitCodes.no;
    case 'lint': {
      const { errors, warnings } = result.report;
      return errors + (result.strict ? warnings : 0) === 0 ? exitCodes.fine : exitCodes.no;
    }
    case 'request': {
      const { explanation, answer } = result.view;
      const goes = explanation.outcome !== 'refused' && explanation.outcome !== 'not-served';
      return goes && (answer?.status ?? 200) < 500 ? exitCodes.fine : exitCodes.no;
    }
    case 'audit':
      return result.view.deviations.length === 0 ? exitCodes.fine : exitCodes.no;
    case 'spread':
      return result.view.kept ? exitCodes.fine : exitCodes.no;
  }
}

type PrintedResult = Exclude<CommandResult, { readonly kind: 'ended' }>;

function renderJson(result: PrintedResult): string {
  return `${JSON.stringify(dataOf(result), undefined, 2)}\n`;
}

function dataOf(result: PrintedResult): unknown {
  switch (result.kind) {
    case 'services':
    case 'endpoints':
      return result.items;
    case 'plan':
      return result.plan;
    case 'lint':
      return result.report;
    case 'audit':
    case 'cleanup':
    case 'spread':
    case 'metrics':
    case 'workload':
    case 'backup':
    case 'name':
    case 'ways':
    case 'request':
    case 'doctor':
      return result.view;
    case 'explanation':
      return result.view.explanation;
  }
}

function renderText(result: PrintedResult, io: CliIo): string {
  const paint = paintFor(io.stdout, io.env);
  switch (result.kind) {
    case 'services':
    case 'endpoints': {
      if (result.items.length === 0) return '';
      const options = { showNamespace: result.asked.namespace === undefined, paint };
      return result.kind === 'services'
        ? renderServices(result.items, options)
        : renderEndpoints(result.items, options);
    }
    case 'explanation':
      return renderExplanation(result.view, paint);
    case 'doctor':
      return renderDoctor(result.view, paint);
    case 'ways':
      return renderWays(result.view, paint);
    case 'name':
      return renderName(result.view, paint);
    case 'lint':
      return renderLint(result.report, paint);
    case 'request':
      return renderRequest(result.view, paint);
    case 'workload':
      return renderWorkload(result.view);
    case 'cleanup':
      return renderCleanup(result.view);
    case 'audit':
      return renderAudit(result.view, paint);
    case 'backup':
      return renderBackup(result.view);
    case 'metrics':
      return result.view.text;
    case 'plan':
      return renderPlan(result.plan, paint);
    case 'spread':
      return renderSpread(result.view, { columns: io.stdout.columns ?? 80, paint });
  }
}

/** A Service that works, also with warnings; a connection that is forwarded. */
function isFine({ explanation }: ExplainView): boolean {
  return explanation.kind === 'service'
    ? explanation.verdict !== 'broken'
    : explanation.decision.kind === 'forward';
}

function noneNote(kind: 'services' | 'endpoints', { namespace, name }: ServiceFilter): string {
  const what = kind === 'services' ? 'Service' : 'endpoint of a Service';
  const where = namespace === undefined ? 'in any namespace' : `in namespace ${namespace}`;
  const named = name === undefined ? '' : ` named ${name}`;
  const hint = namespace === undefined ? '' : '; -A looks in all';
  return `No ${what}${named} is forwarded ${where}${hint}`;
}
