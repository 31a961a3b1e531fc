/** Bodies of requests: JSON and YAML to values, checked as strictly as `fieldValidation` asks. */
import {
  ApiError,
  apiVersionOf,
  fitsSchema,
  isJsonObject,
  schemaOf,
  strictProblems,
  withoutUnknownFields,
  wrongType,
  type GroupVersionKind,
  type JsonObject,
  type Kind,
  type WrongType,
} from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { decodeProtobuf, protobufType } from './protobuf/index.ts';

export interface SentBody {
  /** Without parameters, lower case. */
  readonly contentType: string;
  readonly bytes: Buffer;
}

export interface DecodedObject {
  readonly value: JsonObject;
  /** What is to be said of it in Warning headers. */
  readonly warnings: readonly string[];
}

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** Throws BadRequest for another word. */
export function fieldValidationOf(query: URLSearchParams): FieldValidation {
  const word = query.get('fieldValidation') ?? '';
  if (word === '') return 'Warn';
  if (word === 'Strict' || word === 'Warn' || word === 'Ignore') return word;
  const known = 'supported values: "Ignore", "Strict", "Warn"';
  throw new ApiError(
    'BadRequest',
    `fieldValidation: Unsupported value: ${JSON.stringify(word)}: ${known}`,
  );
}

export function mediaTypeOf(contentType: string | undefined): string {
  const [type = ''] = (contentType ?? '').split(';');
  return type.trim().toLowerCase();
}

/** An object of a kind as it was sent. Throws BadRequest, UnsupportedMediaType. */
export async function decodeObjectBody(
  kind: Kind,
  body: SentBody,
  validation: FieldValidation,
): Promise<DecodedObject> {
  const { value, text } = await parseBody(body, kind.kind);
  if (!isJsonObject(value)) {
    throw new ApiError('BadRequest', `${unrecognized(kind.kind)}: it is no JSON object`);
  }
  const whole = {
    ...value,
    kind: value['kind'] ?? kind.kind,
    apiVersion: value['apiVersion'] ?? apiVersionOf(kind),
  };
  checkKind(kind, whole);
  const kept = ofKind(kind, whole, ({ decoding }) => notHandled(kind, decoding));
  // Written as we would write it, a text has no field twice: then there is nothing to look for.
  const isPlain = kept === whole && JSON.stringify(value) === text.trimEnd();
  return { value: kept, warnings: isPlain ? [] : problemsOf(kind, text, validation) };
}

/** What a kind does not have is not kept. Throws what `refusal` makes of a value of the wrong type. */
export function ofKind(
  kind: GroupVersionKind,
  value: JsonObject,
  refusal: (wrong: WrongType) => ApiError,
): JsonObject {
  const schema = schemaOf(kind);
  if (schema === undefined || fitsSchema(schema, value)) return value;
  const wrong = wrongType(schema, value);
  if (wrong !== undefined) throw refusal(wrong);
  const kept = withoutUnknownFields(schema, value);
  return isJsonObject(kept) ? kept : value;
}

/** A body that says it is of a kind and cannot be. */
export function notHandled({ kind, version }: GroupVersionKind, reason: string): ApiError {
  return new ApiError(
    'BadRequest',
    `${kind} in version "${version}" cannot be handled as a ${kind}: ${reason}`,
  );
}

/** Strict decoding of a text: what it finds, and what is to be said of that. */
export interface StrictProblems {
  readonly warnings: readonly string[];
  /** Why it is to be refused; undefined when it is not. */
  readonly refused: string | undefined;
}

export function strictlyRead(
  kind: Kind,
  text: string,
  validation: FieldValidation,
): StrictProblems {
  const schema = schemaOf(kind);
  if (schema === undefined || validation === 'Ignore') return { warnings: [], refused: undefined };
  const warnings = strictProblems(schema, text);
  const isRefused = validation === 'Strict' && warnings.length > 0;
  return {
    warnings,
    refused: isRefused ? `strict decoding error: ${warnings.join(', ')}` : undefined,
  };
}

/** Strict problems as warnings; throws BadRequest when they are to be refused. */
export function problemsOf(
  kind: Kind,
  text: string,
  validation: FieldValidation,
): readonly string[] {
  const { warnings, refused } = strictlyRead(kind, text, validation);
  if (refused !== undefined) throw notHandled(kind, refused);
  return warnings;
}

function checkKind(kind: Kind, value: JsonObject): void {
  if (value['kind'] === kind.kind && value['apiVersion'] === apiVersionOf(kind)) return;
  const found = wordAt(value, 'kind');
  const version = wordAt(value, 'apiVersion');
  throw new ApiError(
    'BadRequest',
    `${found} in version ${JSON.stringify(version)} cannot be handled as a ${kind.kind}: ` +
      `converting (${version.split('/').at(-1)}.${found}) to (${kind.group === '' ? 'core' : kind.group.split('.')[0]}.${kind.kind}): unknown conversion`,
  );
}

/** Throws what the real server says when it cannot even tell of what kind the object is. */
function wordAt(value: JsonObject, field: 'kind' | 'apiVersion'): string {
  const found = value[field];
  if (typeof found === 'string') return found;
  const type = Array.isArray(found) ? 'array' : typeof found === 'boolean' ? 'bool' : typeof found;
  throw new ApiError(
    'BadRequest',
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go struct field .${field} of type string`,
  );
}

/** JSON or YAML text as a value. `what` is the kind it is to be, for messages. */
export async function parseBody(
  { contentType, bytes }: SentBody,
  what: string,
): Promise<{ readonly value: unknown; readonly text: string }> {
  if (contentType === protobufType) {
    const value = decodeProtobuf(bytes, what);
    return { value, text: JSON.stringify(value) };
  }
  const text = bytes.toString('utf8');
  if (contentType === '' || contentType === 'application/json') {
    return { value: parseJson(text, what), text };
  }
  if (contentType === 'application/yaml') {
    const value = await parseYaml(text, what);
    return { value, text: JSON.stringify(value) };
  }
  throw unsupported(contentType, ['application/json', 'application/yaml']);
}

export function unsupported(contentType: string, known: readonly string[]): ApiError {
  return new ApiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${known.join(', ')}`,
    { remedy: `Send another Content-Type than ${contentType}` },
  );
}

export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const atEnd = /end of JSON input|Unterminated|property name .* \(line .*$/.test(
      messageOf(cause),
    );
    const reason = atEnd ? 'unexpected end of JSON input' : messageOf(cause);
    const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text;
    throw new ApiError(
      'BadRequest',
      `${unrecognized(what)}: couldn't get version/kind; json parse error: ${reason} (${shown})`,
      { cause },
    );
  }
}

const maxAliases = 100;

/** JSON is YAML as well, and far quicker to read as what it is. */
export async function parseYaml(text: string, what: string): Promise<unknown> {
  if (/^\s*[{[]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      // Then it is YAML's flow style, or broken in YAML's words.
    }
  }
  const { parseDocument } = await import('yaml');
  try {
    const document = parseDocument(text, { logLevel: 'error' });
    // Of several documents the first counts, as for the API server.
    const broken = document.errors.find(({ code }) => code !== 'MULTIPLE_DOCS');
    if (broken !== undefined) throw broken;
    return document.toJS({ maxAliasCount: maxAliases });
  } catch (cause) {
    throw new ApiError(
      'BadRequest',
      `${unrecognized(what)}: yaml: ${messageOf(cause).split('\n')[0]}`,
      { cause },
    );
  }
}

function unrecognized(what: string): string {
  return `the object provided is unrecognized (must be of type ${what})`;
}
