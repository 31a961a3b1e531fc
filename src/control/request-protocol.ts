/** What is asked and answered about HTTP requests over the control socket. */
import type { RequestExplanation } from '../explain/index.ts';
import type { Endpoint, SocketAddress } from '../model/index.ts';
import { ControlError } from './errors.ts';

export interface RequestQuestionView {
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Sends it, through the Service. */
  readonly real: boolean;
}

/** What became of a request that was sent. */
export interface RequestAnswerView {
  readonly status: number;
  /** `10.1.0.1:8080`; undefined when no gateway carried it, or no endpoint took it. */
  readonly endpoint: string | undefined;
  readonly pod: string | undefined;
  readonly setCookie: readonly string[];
  readonly tookMs: number;
}

export interface RequestView {
  readonly explanation: RequestExplanation;
  /** Undefined when nothing was sent. */
  readonly answer: RequestAnswerView | undefined;
}

interface RequestProbed {
  /** Undefined: it got to no endpoint. */
  readonly endpoint: Endpoint | undefined;
  readonly source: string;
  readonly status: number;
}

/** Where requests are decided. */
export interface RequestSource {
  explain(question: RequestQuestionView): Promise<RequestView>;
  /** Sends one request to a per-request ServicePort, and says which endpoint was chosen for it. */
  probe(server: string, at: SocketAddress): Promise<RequestProbed>;
}

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const maxHeaders = 64;
const maxValue = 8_192;

/** Throws CONTROL_BAD_REQUEST with the field that is wrong. */
export function readRequestQuestion(value: unknown): RequestQuestionView {
  const given = typeof value === 'object' && value !== null ? value : {};
  const fields = new Map<string, unknown>(Object.entries(given));
  const url = fields.get('url');
  const method = fields.get('method');
  if (typeof url !== 'string' || !isHttpUrl(url)) {
    throw refused('url', 'must be http://HOST[:PORT][/PATH]');
  }
  if (typeof method !== 'string' || !tokenPattern.test(method)) {
    throw refused('method', 'must be a method of HTTP');
  }
  return {
    url,
    method,
    headers: readHeaders(fields.get('headers')),
    real: fields.get('real') === true,
  };
}

function isHttpUrl(text: string): boolean {
  const url = text.length <= maxValue ? URL.parse(text) : null;
  return url !== null && url.protocol === 'http:' && url.hostname !== '';
}

function readHeaders(value: unknown): RequestQuestionView['headers'] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  if (list.length > maxHeaders) throw refused('headers', `may be ${maxHeaders} at most`);
  return list.map((pair) => {
    const [name, text]: readonly unknown[] = Array.isArray(pair) ? pair : [];
    if (typeof name !== 'string' || !tokenPattern.test(name)) {
      throw refused('headers', 'must be NAME: VALUE, with a token as name');
    }
    if (typeof text !== 'string' || text.length > maxValue || /[\0\r\n]/.test(text)) {
      throw refused('headers', `have a value that HTTP does not allow: ${name}`);
    }
    return [name.toLowerCase(), text];
  });
}

function refused(field: string, reason: string): ControlError {
  return new ControlError('CONTROL_BAD_REQUEST', `Cannot explain the request: ${field} ${reason}`);
}
