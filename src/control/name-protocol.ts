/** What is asked and answered about names over the control socket. */
import { ControlError } from './errors.ts';

const nameTypes = ['A', 'AAAA', 'SRV', 'CNAME', 'PTR', 'TXT', 'NS', 'SOA', 'MX'] as const;

export interface NameRequest {
  readonly name: string;
  /** Of the client: what its search list begins with. */
  readonly namespace: string;
  /** One of `nameTypes`. */
  readonly type: string;
}

export interface NameStepView {
  readonly name: string;
  /** What DNS calls it, NODATA, or NO-ANSWER from upstream. */
  readonly rcode: string;
  /** Code of the rule that answered; `outside`: none of ours. */
  readonly rule: string;
  readonly because: string;
  readonly notes: readonly string[];
}

export interface NameView {
  readonly name: string;
  readonly namespace: string;
  readonly type: string;
  readonly verdict: 'answered' | 'no-records' | 'no-name' | 'unknown';
  readonly answer: readonly string[];
  readonly steps: readonly NameStepView[];
}

/** Where names are answered; never rejects. */
export interface NameSource {
  explain(request: NameRequest): Promise<NameView>;
}

/** Throws CONTROL_BAD_REQUEST with the field that is wrong. */
export function readNameRequest(value: unknown): NameRequest {
  const given = typeof value === 'object' && value !== null ? value : {};
  const fields = new Map<string, unknown>(Object.entries(given));
  const [name, namespace, type] = ['name', 'namespace', 'type'].map((field) => {
    const text = fields.get(field);
    return typeof text === 'string' ? text : '';
  });
  if (name === undefined || !isName(name)) throw refused('name', 'must be a DNS name');
  if (namespace === undefined || namespace === '') throw refused('namespace', 'must be given');
  if (!nameTypes.some((known) => known === type)) {
    throw refused('type', `must be one of ${nameTypes.join(', ')}`);
  }
  return { name, namespace, type: type ?? '' };
}

/** Labels of 1 to 63 bytes, 253 in all; what stands in them is the server's to judge. */
function isName(text: string): boolean {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  return bare.length <= 253 && bare.split('.').every((label) => /^[^\s]{1,63}$/.test(label));
}

function refused(field: string, reason: string): ControlError {
  return new ControlError('CONTROL_BAD_REQUEST', `Cannot explain the name: ${field} ${reason}`);
}
