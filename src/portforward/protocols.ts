/** The words in which clients and servers of port-forward find one another. */

import { apiNames } from '../kube/index.ts';

/** Each connection is a pair of streams: one for its bytes, one for what went wrong. */
export const spdyProtocol = apiNames.portForward;
/** The same over WebSocket: what kubectl asks for first since 1.31. */
export const tunnelProtocol = apiNames.portForwardTunnel;
/** One connection a WebSocket, its first byte saying which of two channels a message is of; kubelets of any age. */
export const channelProtocol = apiNames.portForwardChannels;
/** What the connection is upgraded to without a WebSocket. */
export const spdyUpgrade = 'SPDY/3.1';

export const fieldNames = {
  kind: 'streamtype',
  port: 'port',
  request: 'requestid',
} as const;

export const channels = { data: 0, error: 1 } as const;
