/** What a request asks for, in the words of roles. */
import { isSet, type RequestTarget } from '../request-info.ts';
import type { Attributes } from './rules.ts';

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
};

export function attributesOf(method: string, { path: found, query }: RequestTarget): Attributes {
  if (found.kind === 'other') {
    const path = `/${found.segments.join('/')}`;
    return { kind: 'path', verb: method.toLowerCase(), path };
  }
  const { group, resource, subresource, namespace = '', name } = found.path;
  return {
    kind: 'resource',
    verb: verbOf(method, name, query),
    group,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    // A Namespace is in itself, for roles that are bound there.
    namespace: resource === 'namespaces' ? (name ?? '') : namespace,
    name: name ?? selectedName(query),
  };
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): string {
  if (method === 'DELETE') return name === undefined ? 'deletecollection' : 'delete';
  if (method !== 'GET' && method !== 'HEAD') return verbs[method] ?? method.toLowerCase();
  if (isSet(query, 'watch')) return 'watch';
  return name === undefined ? 'list' : 'get';
}

/** A list of the one object of a name counts as that object. */
function selectedName(query: URLSearchParams): string {
  const [, name = ''] = /^metadata\.name==?([^,=!]+)$/.exec(query.get('fieldSelector') ?? '') ?? [];
  return name;
}
