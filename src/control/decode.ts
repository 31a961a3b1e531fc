/**
 * The decoder of the control socket. Answers come from a Switchyard of the same protocol version, so their
 * outer shape is checked (somebody else may serve the path) and the inner one is taken for what it is.
 */
import { ControlError } from './errors.ts';
import type { ErrorView, ExplainRequest, SpreadLine, SpreadRequest } from './protocol.ts';

const maxConnections = 1_000_000;
const maxConcurrency = 1_000;
const maxPort = 65_535;

/** Throws CONTROL_FAILED when the value is no object. */
export function readObject<T extends object>(value: unknown): T {
  if (isRecord(value)) return value as T;
  throw strange();
}

/** Throws CONTROL_FAILED when the value is no list of objects. */
export function readList<T extends object>(value: unknown): readonly T[] {
  if (Array.isArray(value) && value.every(isRecord)) return value as unknown as readonly T[];
  throw strange();
}

/** Throws CONTROL_FAILED when the value is no refusal. */
export function readError(value: unknown): ErrorView {
  const error = isRecord(value) ? value['error'] : undefined;
  if (!isRecord(error) || typeof error['code'] !== 'string') throw strange();
  return {
    code: error['code'],
    message: String(error['message']),
    remedy: typeof error['remedy'] === 'string' ? error['remedy'] : undefined,
    details: Array.isArray(error['details']) ? error['details'].map(String) : [],
  };
}

/** Throws CONTROL_FAILED when the value is none. */
export function readSpreadLine(value: unknown): SpreadLine {
  if (isRecord(value)) {
    const { kind, done, total, view } = value;
    if (kind === 'progress' && typeof done === 'number' && typeof total === 'number') {
      return { kind, done, total };
    }
    if (kind === 'result') return { kind, view: readObject(view) };
    if (kind === 'error') return { kind, error: readError(value) };
  }
  throw strange();
}

/** What the server takes; throws CONTROL_BAD_REQUEST with the field that is wrong. */
export function readSpreadRequest(value: unknown): SpreadRequest {
  const given = isRecord(value) ? value : {};
  const port = given['port'];
  if (port !== undefined && typeof port !== 'string') throw refused('port', 'must be a string');
  return {
    namespace: text(given, 'namespace'),
    service: text(given, 'service'),
    port,
    connections: count(given, 'connections', maxConnections),
    concurrency: count(given, 'concurrency', maxConcurrency),
  };
}

/** What the server takes; throws CONTROL_BAD_REQUEST with the field that is wrong. */
export function readExplainRequest(value: unknown): ExplainRequest {
  const given = isRecord(value) ? value : {};
  const { kind, protocol } = given;
  const namespace = text(given, 'namespace');
  if (kind === 'service') return { kind, namespace, name: text(given, 'name') };
  if (kind !== 'flow') throw refused('kind', 'must be service or flow');
  if (protocol !== 'TCP' && protocol !== 'UDP' && protocol !== 'SCTP') {
    throw refused('protocol', 'must be TCP, UDP or SCTP');
  }
  return {
    kind,
    protocol,
    namespace,
    source: text(given, 'source'),
    sourcePort: count(given, 'sourcePort', maxPort),
    destination: text(given, 'destination'),
    destinationPort: count(given, 'destinationPort', maxPort),
  };
}

function text(given: Readonly<Record<string, unknown>>, field: string): string {
  const value = given[field];
  if (typeof value === 'string' && value !== '') return value;
  throw refused(field, 'must be a string that is not empty');
}

function count(given: Readonly<Record<string, unknown>>, field: string, max: number): number {
  const value = given[field];
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) {
    return value;
  }
  throw refused(field, `must be a whole number from 1 to ${max}`);
}

function refused(field: string, reason: string): ControlError {
  return new ControlError('CONTROL_BAD_REQUEST', `Cannot measure the spread: ${field} ${reason}`);
}

export function strange(): ControlError {
  return new ControlError(
    'CONTROL_FAILED',
    'Cannot read the answer: it is not what a Switchyard says',
    { remedy: 'Use the command of the same version as the instance' },
  );
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The hand-over protocol the other process speaks. */
export function readHandoverRequest(body: unknown): string {
  const found =
    typeof body === 'object' && body !== null && 'protocol' in body ? body.protocol : undefined;
  return typeof found === 'string' ? found : 'none';
}
