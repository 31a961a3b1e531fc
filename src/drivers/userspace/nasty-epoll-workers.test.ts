/** The nasty peers on epoll with connections going on in another thread from their first byte on, where it can be had. */
import test from 'node:test';
import { messageOf } from '../../model/index.ts';
import { createEngine } from '../../sys/net/index.ts';
import { nastySuite } from './nasty.suite.ts';

const missing = await createEngine({ prefer: 'epoll' }).then(() => undefined, messageOf);

if (missing === undefined) nastySuite({ prefer: 'epoll', workers: 2, longAfterReads: 1 }, 'none');
else test('nasty peers on the epoll engine, two threads', { skip: missing }, () => undefined);
