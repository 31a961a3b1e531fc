/** All Pods of a lab: each says its address, and repeats what it is told. */
import { createServer } from 'node:net';
import process from 'node:process';
import { podPort } from './lab.suite.ts';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.write(`${socket.localAddress}\n`);
  socket.pipe(socket);
});
server.listen({ port: podPort, host: '0.0.0.0', backlog: 4_096 }, () => process.send?.('ready'));
process.on('disconnect', () => process.exit());
