/** What a server answers to a client's key, so that no cache answers in its place (RFC 6455, 4.2.2). */
import { createHash } from 'node:crypto';

const suffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export function webSocketAcceptKey(key: string): string {
  return createHash('sha1').update(`${key}${suffix}`).digest('base64');
}
