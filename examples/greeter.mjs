/** A program to run as Pods: says who it is, in which version, and how it was told to start and to end. */
import { createServer } from 'node:http';
import process from 'node:process';

const { HOST, PORT, POD_NAME, GREETING = 'Hello' } = process.env;

const say = (text) => process.stdout.write(`${text}\n`);

const server = createServer((request, response) => {
  if (request.url === '/crash') process.exit(1);
  response.end(`${GREETING} from ${POD_NAME}\n`);
});
server.listen(Number(PORT), HOST, () => say(`listening at ${HOST}:${PORT}`));
process.on('SIGTERM', () => {
  say('told to end');
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
