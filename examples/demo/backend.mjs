// One backend of the demo: says which Pod it is, so that a person sees where the request went.
import { createServer } from 'node:http';
import process from 'node:process';

const { HOST = '127.0.0.1', PORT = '8080', POD_NAME = 'backend', DELAY_MS = '0' } = process.env;
const text = `Hello from ${POD_NAME} at ${HOST}:${PORT}\n`;

createServer((request, response) => {
  const answer = () => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': text.length });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  if (DELAY_MS === '0') answer();
  else setTimeout(answer, Number(DELAY_MS));
}).listen(Number(PORT), HOST);

// When Switchyard is killed without a chance to end its Pods, this one must not stay behind.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(0), 1000).unref();

process.on('SIGTERM', () => process.exit(0));
