/** Questions about what somebody may do: answered from the roles when they count, and kept nowhere. */
import { apiNames, isJsonArray, isJsonObject, type JsonObject } from '../kube/index.ts';
import type { HttpRequest } from '../sys/http/index.ts';
import type { Attributes } from './access/index.ts';
import { jsonAnswer } from './answers.ts';
import { mediaTypeOf, parseBody } from './body.ts';
import type { Answer, ApiContext } from './context.ts';
import type { ResourcePath } from './request-info.ts';

const { authorization, authentication } = apiNames;

const kinds: Readonly<Record<string, string>> = {
  [`${authorization}/v1/selfsubjectaccessreviews`]: 'SelfSubjectAccessReview',
  [`${authorization}/v1/selfsubjectrulesreviews`]: 'SelfSubjectRulesReview',
  [`${authorization}/v1/subjectaccessreviews`]: 'SubjectAccessReview',
  [`${authentication}/v1/selfsubjectreviews`]: 'SelfSubjectReview',
};

/** Undefined when the path is no review. */
export function reviewKind({ group, version, resource }: ResourcePath): string | undefined {
  return kinds[`${group}/${version}/${resource}`];
}

export async function answerReview(
  kind: string,
  request: HttpRequest,
  context: ApiContext,
): Answer {
  const contentType = mediaTypeOf(request.header('content-type'));
  const { value } = await parseBody({ contentType, bytes: await request.body() }, kind);
  const spec = fieldIn(value, 'spec');
  const group = kind === 'SelfSubjectReview' ? authentication : authorization;
  const body = {
    kind,
    apiVersion: `${group}/v1`,
    metadata: {},
    ...(kind === 'SelfSubjectReview' ? {} : { spec }),
    status: await statusOf({ kind, spec, request }, context),
  };
  return jsonAnswer(body, 201);
}

interface Review {
  readonly kind: string;
  readonly spec: JsonObject;
  readonly request: HttpRequest;
}

async function statusOf({ kind, spec, request }: Review, { access }: ApiContext): Promise<object> {
  const self = await access.userOf(request);
  if (kind === 'SelfSubjectReview') return { userInfo: self };
  if (kind === 'SelfSubjectRulesReview') {
    const rules = await access.rulesFor(self, textIn(spec, 'namespace'));
    const [paths, resources] = [true, false].map((isPath) =>
      rules.filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0 === isPath),
    );
    return { resourceRules: resources, nonResourceRules: paths, incomplete: false };
  }
  const groups = spec['groups'];
  const user =
    kind === 'SelfSubjectAccessReview'
      ? self
      : {
          username: textIn(spec, 'user'),
          groups: isJsonArray(groups) ? groups.filter((one) => typeof one === 'string') : [],
        };
  const { isAllowed, reason } = await access.decide(user, askedIn(spec));
  return { allowed: isAllowed, ...(reason === '' ? {} : { reason }) };
}

function askedIn(spec: JsonObject): Attributes {
  const { nonResourceAttributes: path } = spec;
  if (isJsonObject(path)) {
    return { kind: 'path', verb: textIn(path, 'verb'), path: textIn(path, 'path') };
  }
  const asked = fieldIn(spec, 'resourceAttributes');
  const subresource = textIn(asked, 'subresource');
  const resource = textIn(asked, 'resource');
  return {
    kind: 'resource',
    verb: textIn(asked, 'verb'),
    group: textIn(asked, 'group'),
    resource: subresource === '' ? resource : `${resource}/${subresource}`,
    namespace: textIn(asked, 'namespace'),
    name: textIn(asked, 'name'),
  };
}

function fieldIn(value: unknown, name: string): JsonObject {
  const field = isJsonObject(value) ? value[name] : undefined;
  return isJsonObject(field) ? field : {};
}

function textIn(value: JsonObject, name: string): string {
  const text = value[name];
  return typeof text === 'string' ? text : '';
}
