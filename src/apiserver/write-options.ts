/** What the query of a write asks for. */
import { ApiError, apiNames } from '../kube/index.ts';
import type { WriteContext } from '../registry/index.ts';
import type { ResourceRequest } from './context.ts';
import { fieldValidationOf, mediaTypeOf, type FieldValidation, type SentBody } from './body.ts';

const maxManagerLength = 128;

export interface WriteOptions {
  readonly validation: FieldValidation;
  readonly context: WriteContext & { readonly manager: string };
}

/** Throws BadRequest, Invalid. */
export function writeOptions({ http, query }: ResourceRequest): WriteOptions {
  return {
    validation: fieldValidationOf(query),
    context: {
      dryRun: isDryRun(query.getAll('dryRun')),
      manager: managerOf(query.get('fieldManager') ?? '', http.header('user-agent')),
    },
  };
}

export function isDryRun(values: readonly string[]): boolean {
  const asked = values.filter((value) => value !== '');
  const wrong = asked.find((value) => value !== 'All');
  if (wrong === undefined) return asked.length > 0;
  throw invalidOption(
    'dryRun',
    'FieldValueNotSupported',
    `Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"`,
  );
}

/** What the client calls itself in front of its version, when it does not say. */
function managerOf(named: string, agent: string | undefined): string {
  if (named.length > maxManagerLength) {
    throw invalidOption(
      'fieldManager',
      'FieldValueTooLong',
      `Too long: may not be more than ${maxManagerLength} bytes`,
    );
  }
  if (named !== '') return named;
  const [program = ''] = (agent ?? '').split('/');
  return program.slice(0, maxManagerLength) || 'unknown';
}

// oxlint-disable-next-line eslint/max-params -- a cause has three parts.
export function invalidOption(field: string, reason: string, message: string): ApiError {
  const group = apiNames.metaGroup;
  return new ApiError('Invalid', `PatchOptions.${group} "" is invalid: ${field}: ${message}`, {
    causes: [{ reason, field, message }],
    subject: { group, kind: 'PatchOptions' },
  });
}

/** A patch that makes no object of the kind: refused without a name. `shown` is what is wrong. */
export function invalidPatch(shown: string, reason: string): ApiError {
  const message = `Invalid value: ${JSON.stringify(shown)}: ${reason}`;
  return new ApiError('Invalid', ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: 'FieldValueInvalid', field: 'patch', message }],
  });
}

export async function sentBody({ http }: ResourceRequest): Promise<SentBody> {
  return { contentType: mediaTypeOf(http.header('content-type')), bytes: await http.body() };
}
