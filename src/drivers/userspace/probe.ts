/** Finds out what the host lacks for this driver: all it needs is to be let listen on loopback. */
import { messageOf, type Missing } from '../../model/index.ts';
import type { NetEngine } from '../../sys/net/index.ts';

export async function probeHost(engine: NetEngine): Promise<readonly Missing[]> {
  try {
    const listener = await engine.listen({ address: '127.0.0.1', port: 0 }, (connection) =>
      connection.destroy('reset'),
    );
    await listener.close();
    return [];
  } catch (error) {
    return [
      {
        what: `listening on the loopback address (${messageOf(error)})`,
        costs: 'No Service can be served without privilege',
        remedy: 'Let this process listen on 127.0.0.1: look at sandbox or container settings',
      },
    ];
  }
}
