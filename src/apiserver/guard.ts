/**
 * Who may ask. The Host must be ours and there must be no Origin, so that no web page can reach the API through a
 * browser; and the token must be the instance's.
 */
import { timingSafeEqual } from 'node:crypto';
import { ApiError } from '../kube/index.ts';
import type { HttpRequest } from '../sys/http/index.ts';

export interface GuardOptions {
  readonly token: string;
  /** Names and addresses without ports. */
  readonly hosts: readonly string[];
}

/** Whether the server lives is told to anyone who can connect. */
const open = /^\/(?:healthz|livez|readyz|version)(?:[/?]|$)/;

/** Throws Forbidden, Unauthorized. */
export function createGuard({ token, hosts }: GuardOptions): (request: HttpRequest) => void {
  const wanted = Buffer.from(token);
  return (request) => {
    const host = hostOf(request.header('host') ?? '');
    if (!hosts.includes(host)) {
      throw new ApiError(
        'Forbidden',
        `forbidden: the host ${JSON.stringify(host)} is not one of this server: ${hosts.join(', ')}`,
      );
    }
    if (request.header('origin') !== undefined) {
      throw new ApiError('Forbidden', 'forbidden: requests of web pages are not answered');
    }
    if (open.test(request.target)) return;
    const [, text = ''] = /^Bearer +(\S+)$/i.exec(request.header('authorization') ?? '') ?? [];
    const given = Buffer.from(text);
    // The length of a token is the same in every instance, and no secret.
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new ApiError('Unauthorized', 'Unauthorized');
    }
  };
}

/** Without the port, and an IPv6 address without its brackets. */
function hostOf(header: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::[0-9]*)?$/.exec(header) ?? [];
  return (bracketed ?? plain ?? '').toLowerCase();
}
