/** The nasty peers on the engine that every host has. */
import { nastySuite } from './nasty.suite.ts';

nastySuite({ prefer: 'portable' }, 'none');
