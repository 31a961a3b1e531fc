/** UDP on node:dgram against the suite every UDP engine passes. */
import { createPortableUdp } from './portable-udp.ts';
import { udpSuite } from './udp.suite.ts';

udpSuite('portable', createPortableUdp);
