/**
 * Who may ask. The Host must be ours and there must be no Origin, so that no web page can reach the API through a
 * browser; and the token must be the instance's.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
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
  const wanted = digest(token);
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
    const [, given = ''] = /^Bearer +(\S+)$/i.exec(request.header('authorization') ?? '') ?? [];
    // Digests have one length, so that the comparison tells nothing of the token's.
    if (!timingSafeEqual(digest(given), wanted)) {
      throw new ApiError('Unauthorized', 'Unauthorized');
    }
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Without the port, and an IPv6 address without its brackets. */
function hostOf(header: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::[0-9]*)?$/.exec(header) ?? [];
  return (bracketed ?? plain ?? '').toLowerCase();
}
