/** A port of the gateway where nobody says otherwise. */
import { defaultBounds } from './bounds.ts';
import type { GatewayPort } from './router.ts';

export const plainPort: Omit<GatewayPort, 'id' | 'router'> = {
  tls: undefined,
  http2: true,
  bounds: defaultBounds,
  acceptProxyProtocol: false,
  trustedProxies: [],
};
