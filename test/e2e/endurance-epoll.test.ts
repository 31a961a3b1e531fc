/** What endures of the userspace driver on the epoll engine. */
import { messageOf } from '../../src/model/index.ts';
import { createEngine } from '../../src/sys/net/index.ts';
import { test } from 'node:test';
import { enduranceSuite } from './endurance.suite.ts';

const missing = await createEngine({ prefer: 'epoll' }).then(() => undefined, messageOf);

if (missing === undefined) enduranceSuite({ prefer: 'epoll' });
else test('endurance on the epoll engine', { skip: missing }, () => undefined);
