/** A ServicePort whose requests are balanced: `perRequest` is there. */
import type { PerRequest, VirtualServer } from '../model/index.ts';

export type RequestServer = VirtualServer & { readonly perRequest: PerRequest };

export function isPerRequest(server: VirtualServer): server is RequestServer {
  return server.perRequest !== undefined;
}
