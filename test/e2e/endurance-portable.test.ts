/** What endures of the userspace driver on the portable engine. */
import { enduranceSuite } from './endurance.suite.ts';

enduranceSuite({ prefer: 'portable' });
