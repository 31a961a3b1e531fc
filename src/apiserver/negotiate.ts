/** Which form of an answer the Accept header asks for. */
import { ApiError, apiNames } from '../kube/index.ts';

export type AnswerForm = 'object' | 'table' | 'metadata';

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const maxRanges = 32;

function parseAccept(accept: string | undefined): readonly MediaRange[] {
  return (accept ?? '*/*')
    .split(',')
    .slice(0, maxRanges)
    .map((range) => {
      const [type = '', ...rest] = range.split(';').map((part) => part.trim());
      const parameters = rest.map((pair) => {
        const [name = '', value = ''] = pair.split('=');
        return [name.toLowerCase(), value] as const;
      });
      return { type: type.toLowerCase(), parameters: new Map(parameters) };
    });
}

const json = ['application/json', 'application/*', '*/*'];

/** Clients send one of a few headers with every request. */
const knownForms = new Map<string | undefined, AnswerForm>();
const maxKnownForms = 64;

/** Throws NotAcceptable when nothing that is asked for can be given. */
export function answerForm(accept: string | undefined): AnswerForm {
  const known = knownForms.get(accept);
  if (known !== undefined) return known;
  const form = formFor(accept);
  if (knownForms.size < maxKnownForms) knownForms.set(accept, form);
  return form;
}

function formFor(accept: string | undefined): AnswerForm {
  for (const { type, parameters } of parseAccept(accept)) {
    if (!json.includes(type)) continue;
    const as = parameters.get('as');
    if (as === undefined) return 'object';
    // A version or group that is not served: the next range may be.
    const isKnown = parameters.get('g') === apiNames.metaGroup && parameters.get('v') === 'v1';
    if (!isKnown) continue;
    if (as === 'Table') return 'table';
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return 'metadata';
  }
  throw notAcceptable();
}

/** Whether discovery of everything in one answer is asked for, and understood. */
export function wantsAggregated(accept: string | undefined): boolean {
  return parseAccept(accept).some(
    ({ type, parameters }) =>
      type === 'application/json' &&
      parameters.get('g') === apiNames.discoveryGroup &&
      parameters.get('v') === 'v2' &&
      parameters.get('as') === 'APIGroupDiscoveryList',
  );
}

export function notAcceptable(): ApiError {
  return new ApiError(
    'NotAcceptable',
    '406: Not Acceptable\n\nAvailable representations: application/json, application/json;stream=watch. ' +
      'Set the Accept header to application/json (in client-go: rest.Config.AcceptContentTypes)',
  );
}
