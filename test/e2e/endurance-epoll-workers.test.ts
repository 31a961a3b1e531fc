/** What endures of the userspace driver on the epoll engine in two threads. */
import { messageOf } from '../../src/model/index.ts';
import { createEngine } from '../../src/sys/net/index.ts';
import { test } from 'node:test';
import { enduranceSuite } from './endurance.suite.ts';

const missing = await createEngine({ prefer: 'epoll' }).then(() => undefined, messageOf);

if (missing === undefined) enduranceSuite({ prefer: 'epoll', workers: 2, longAfterReads: 1 });
else test('endurance on the epoll engine in two threads', { skip: missing }, () => undefined);
