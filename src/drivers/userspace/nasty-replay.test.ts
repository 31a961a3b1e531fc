/** The nasty peers of a Service whose clients' first bytes may be said again. */
import { nastySuite } from './nasty.suite.ts';

nastySuite({ prefer: 'portable' }, 'first-bytes');
