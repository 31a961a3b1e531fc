/** What the server takes of questions about workloads; each throws CONTROL_BAD_REQUEST with the field. */
import { isRecord, readError, strange } from './decode.ts';
import { ControlError } from './errors.ts';
import {
  workloadKinds,
  type BindRequest,
  type LogsLine,
  type LogsRequest,
  type RunRequest,
  type ScaleRequest,
  type WorkloadName,
} from './workload-protocol.ts';

const maxReplicas = 1_000;
const maxWords = 1_000;

type Given = Readonly<Record<string, unknown>>;

export function readRunRequest(value: unknown): RunRequest {
  const given = recordOf(value);
  const words = given['command'];
  const command = Array.isArray(words) ? words.filter((word) => typeof word === 'string') : [];
  if (!Array.isArray(words) || command.length !== words.length || command.length === 0) {
    throw refused('command', 'must be a list of words');
  }
  if (command.length > maxWords) throw refused('command', `has more than ${maxWords} words`);
  const port = given['port'];
  return {
    namespace: text(given, 'namespace'),
    name: text(given, 'name'),
    replicas: count(given, 'replicas', { least: 0, most: maxReplicas }),
    port: port === undefined ? undefined : count(given, 'port', { least: 1, most: 65_535 }),
    command,
    folder: optionalText(given, 'folder'),
  };
}

export function readScaleRequest(value: unknown): ScaleRequest {
  const given = recordOf(value);
  const replicas = count(given, 'replicas', { least: 0, most: maxReplicas });
  return { ...readName(given), replicas };
}

export function readBindRequest(value: unknown): BindRequest {
  const given = recordOf(value);
  const [command, address] = [optionalText(given, 'command'), optionalText(given, 'address')];
  if ((command === undefined) === (address === undefined)) {
    throw refused('command', 'or an address must be given, and not both');
  }
  return { ...readName(given), command, address, folder: optionalText(given, 'folder') };
}

export function readLogsRequest(value: unknown): LogsRequest {
  const given = recordOf(value);
  return {
    namespace: text(given, 'namespace'),
    pod: text(given, 'pod'),
    follow: given['follow'] === true,
    tail:
      given['tail'] === undefined ? undefined : count(given, 'tail', { least: 0, most: 100_000 }),
    previous: given['previous'] === true,
  };
}

/** On the asking side: throws CONTROL_FAILED when the value is no line of logs. */
export function readLogsLine(value: unknown): LogsLine {
  if (isRecord(value)) {
    const { kind, line } = value;
    if (kind === 'alive') return { kind };
    if (kind === 'error') return { kind, error: readError(value) };
    if (kind === 'line' && isRecord(line) && typeof line['text'] === 'string') {
      const from = line['from'] === 'stderr' ? 'stderr' : 'stdout';
      return { kind, line: { from, text: line['text'], at: String(line['at']) } };
    }
  }
  throw strange();
}

function readName(given: Given): WorkloadName {
  const kind = workloadKinds.find((known) => known === given['kind']);
  if (kind === undefined) throw refused('kind', `must be one of ${workloadKinds.join(', ')}`);
  return { namespace: text(given, 'namespace'), kind, name: text(given, 'name') };
}

function recordOf(value: unknown): Given {
  return isRecord(value) ? value : {};
}

function text(given: Given, field: string): string {
  const value = given[field];
  if (typeof value === 'string' && value !== '') return value;
  throw refused(field, 'must be a string that is not empty');
}

function optionalText(given: Given, field: string): string | undefined {
  return given[field] === undefined ? undefined : text(given, field);
}

function count(
  given: Given,
  field: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = given[field];
  const isCount = typeof value === 'number' && Number.isInteger(value);
  if (isCount && value >= least && value <= most) return value;
  throw refused(field, `must be a whole number from ${least} to ${most}`);
}

function refused(field: string, reason: string): ControlError {
  return new ControlError('CONTROL_BAD_REQUEST', `Cannot do what was asked: ${field} ${reason}`);
}
