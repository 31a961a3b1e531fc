/** Whether a request is one that a route is for. */
import type { HostPattern, HttpRequest, PathMatch, RequestMatch } from './route.ts';

export function matchesRequest(match: RequestMatch, request: HttpRequest): boolean {
  const { hosts, path, method, headers } = match;
  return (
    (method === undefined || method === request.method) &&
    (hosts.length === 0 || matchesHost(hosts, hostOf(request.authority))) &&
    (path === undefined || matchesPath(path, pathOf(request.path))) &&
    headers.every(({ name, value }) => request.header(name) === value)
  );
}

/** Without the port and a closing dot, in lower case. */
export function hostOf(authority: string): string {
  const end = authority.startsWith('[') ? authority.indexOf(']') + 1 : authority.indexOf(':');
  const host = (end <= 0 ? authority : authority.slice(0, end)).toLowerCase();
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** Without the query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

function matchesHost(patterns: readonly HostPattern[], host: string): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith('*.')
      ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1
      : host === pattern,
  );
}

function matchesPath({ kind, value }: PathMatch, path: string): boolean {
  if (path === value) return true;
  if (kind === 'exact') return false;
  return path.startsWith(value.endsWith('/') ? value : `${value}/`);
}
