/** The nasty peers on epoll, with clients' first bytes that may be said again. */
import test from 'node:test';
import { messageOf } from '../../model/index.ts';
import { createEngine } from '../../sys/net/index.ts';
import { nastySuite } from './nasty.suite.ts';

const missing = await createEngine({ prefer: 'epoll' }).then(() => undefined, messageOf);

if (missing === undefined) nastySuite({ prefer: 'epoll' }, 'first-bytes');
else test('nasty peers on the epoll engine', { skip: missing }, () => undefined);
