// A Pod of a test: tells whose client it saw, and asks others when it is told to. Two cannot share a loopback device.
import { lookup } from 'node:dns/promises';
import { Agent, createServer, get } from 'node:http';
import process from 'node:process';

const { PORT, POD_NAME, POD_IPS } = process.env;

const ask = (url) =>
  new Promise((resolve) => {
    const request = get(url, { agent: new Agent(), timeout: 5_000 }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (part) => (text += part)).on('end', () => resolve(text));
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', (error) => resolve(`${error.code ?? error.message}`));
  });

const answers = {
  '/': (request) =>
    `${POD_NAME} ${(request.socket.remoteAddress ?? '').replace('::ffff:', '')} ${POD_IPS} ${process.pid}`,
  '/ask': (_request, search) => ask(search.get('url')),
  '/name': (_request, search) =>
    lookup(search.get('name')).then(
      ({ address }) => address,
      ({ code }) => code,
    ),
  '/end': () => setImmediate(() => process.exit(1)) && 'ending',
};

createServer().listen(9_000, '127.0.0.1');
createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://pod');
  response.end(`${await answers[pathname]?.(request, searchParams)}\n`);
}).listen(Number(PORT), '::', () => console.log('listening'));
