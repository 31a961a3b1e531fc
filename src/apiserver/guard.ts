/**
 * Where requests may come from. The Host must be ours and there must be no Origin, so that no web page can reach the API
 * through a browser.
 */
import { ApiError } from '../kube/index.ts';
import type { HttpRequest } from '../sys/http/index.ts';

/** `hosts`: names and addresses without ports. The guard throws Forbidden. */
export function createGuard(hosts: readonly string[]): (request: HttpRequest) => void {
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
  };
}

/** Without the port, and an IPv6 address without its brackets. */
function hostOf(header: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::[0-9]*)?$/.exec(header) ?? [];
  return (bracketed ?? plain ?? '').toLowerCase();
}
