// One backend of the demo: says which Pod it is, so that a person sees where the request went.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import process from 'node:process';
import { answerLogin } from './login.mjs';

const { HOST = '127.0.0.1', PORT = '8080', POD_NAME = 'backend', DELAY_MS = '0' } = process.env;
const text = `Hello from ${POD_NAME} at ${HOST}:${PORT}\n`;

const server = createServer((request, response) => {
  if (answerLogin(request, response, POD_NAME)) return;
  const answer = () => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': text.length });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  if (DELAY_MS === '0') answer();
  else setTimeout(answer, Number(DELAY_MS));
});
const listen = () => server.listen(Number(PORT), HOST);

if (process.env.UDP === undefined) listen();
else {
  const socket = createSocket('udp4');
  socket.on('message', (said, { address, port }) => {
    socket.send(`${POD_NAME} heard ${said.length} bytes\n`, port, address);
  });
  // Whoever is answered by TCP finds the datagrams' socket open.
  socket.bind(Number(PORT), HOST, listen);
}

// When Switchyard is killed without a chance to end its Pods, this one must not stay behind.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(0), 1000).unref();

process.on('SIGTERM', () => process.exit(0));
