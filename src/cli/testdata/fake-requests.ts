/** Explains the same requests every time, for the golden files of the command line. */
import type { RequestSource } from '../../control/index.ts';

const endpoints = [
  { address: '127.83.0.1:8080', pod: 'default/web-0' },
  { address: '127.83.0.2:8080', pod: undefined },
];

export const fakeRequests: RequestSource = {
  probe: async () => ({ endpoint: undefined, source: '127.0.0.1', status: 503 }),
  explain: async ({ url, method, headers, real }) => {
    const held = headers.some(([name]) => name === 'cookie');
    const isServed = url.startsWith('http://web');
    return {
      explanation: {
        kind: 'request',
        method,
        url,
        outcome: !isServed ? 'refused' : held ? 'held' : 'chosen',
        status: isServed ? undefined : 503,
        server: 'default/web:http/TCP/IPv4',
        endpoints: !isServed ? [] : held ? endpoints.slice(0, 1) : endpoints,
        steps: [{ code: 'route-matched', text: 'The route default/web is for it' }],
      },
      answer: real
        ? {
            status: 200,
            endpoint: '127.83.0.1:8080',
            pod: 'default/web-0',
            setCookie: ['sid=1; Path=/'],
            tookMs: 1.25,
          }
        : undefined,
    };
  },
};
