/** WebSocket, bytes in and out. */
export { webSocketAcceptKey } from './accept-key.ts';
export { encodeWebSocketFrame, WebSocketReader } from './frames.ts';
