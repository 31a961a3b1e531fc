/** Questions about oneself: whoever has the token may do everything, so the answers are short. */
import { apiNames } from '../kube/index.ts';
import { jsonAnswer } from './answers.ts';
import { parseBody } from './body.ts';
import type { Answer } from './context.ts';
import { isJsonObject } from '../kube/index.ts';
import type { HttpRequest } from '../sys/http/index.ts';
import { mediaTypeOf } from './body.ts';
import type { ResourcePath } from './request-info.ts';

const user = {
  username: 'switchyard:admin',
  groups: ['system:masters', 'system:authenticated'],
};

const kinds: Readonly<Record<string, string>> = {
  [`${apiNames.authorization}/v1/selfsubjectaccessreviews`]: 'SelfSubjectAccessReview',
  [`${apiNames.authorization}/v1/selfsubjectrulesreviews`]: 'SelfSubjectRulesReview',
  [`${apiNames.authentication}/v1/selfsubjectreviews`]: 'SelfSubjectReview',
};

/** Undefined when the path is no review. */
export function reviewKind({ group, version, resource }: ResourcePath): string | undefined {
  return kinds[`${group}/${version}/${resource}`];
}

export async function answerReview(kind: string, request: HttpRequest): Answer {
  const contentType = mediaTypeOf(request.header('content-type'));
  const { value } = await parseBody({ contentType, bytes: await request.body() }, kind);
  const spec = isJsonObject(value) ? value['spec'] : undefined;
  const isUser = kind === 'SelfSubjectReview';
  const body = {
    kind,
    apiVersion: `${isUser ? apiNames.authentication : apiNames.authorization}/v1`,
    metadata: {},
    ...(isUser ? {} : { spec: isJsonObject(spec) ? spec : {} }),
    status: statuses[kind],
  };
  return jsonAnswer(body, 201);
}

const everything = ['*'];

const statuses: Readonly<Record<string, object>> = {
  SelfSubjectAccessReview: {
    allowed: true,
    reason: 'the token of this instance may do everything',
  },
  SelfSubjectRulesReview: {
    resourceRules: [{ verbs: everything, apiGroups: everything, resources: everything }],
    nonResourceRules: [{ verbs: everything, nonResourceURLs: everything }],
    incomplete: false,
  },
  SelfSubjectReview: { userInfo: user },
};
