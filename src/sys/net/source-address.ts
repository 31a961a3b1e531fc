/** Which of its addresses this host would speak from to somebody; nothing is sent to find out. */
import { createSocket } from 'node:dgram';
import { familyOf, type SocketAddress } from '../../model/index.ts';
import { connectError } from './socket-errors.ts';

/** Rejects with NetError where there is no way to it. */
export async function sourceTowards(to: SocketAddress): Promise<string> {
  const isSix = familyOf(to.address) === 'IPv6';
  const socket = createSocket({
    type: isSix ? 'udp6' : 'udp4',
    lookup: (host, _options, done) => done(null, host, isSix ? 6 : 4),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(to.port, to.address, (cause?: Error) =>
        cause === undefined ? resolve() : reject(cause),
      );
    });
    return socket.address().address;
  } catch (cause) {
    throw connectError(to, cause);
  } finally {
    socket.close();
  }
}
