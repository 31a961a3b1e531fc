// A login whose sessions live in this process alone: without affinity the next Pod would not know you.
import { randomUUID } from 'node:crypto';

const sessions = new Map();
const maxSessions = 1_000;
const maxBody = 1_024;

const page = (text) =>
  `<!doctype html><meta charset="utf-8"><title>Demo login</title><style>body{font:1.1em sans-serif;margin:4em auto;max-width:36em}</style>${text}`;

const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

function sessionOf(request) {
  const id = /(?:^|;\s*)demo-session=([\w-]{36})(?:;|$)/.exec(request.headers.cookie ?? '')?.[1];
  return id === undefined ? undefined : sessions.get(id);
}

function show(request, response, pod) {
  const session = sessionOf(request);
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
  });
  if (session === undefined) {
    response.end(
      page(
        `<h1>Log in</h1><form method="post"><input name="name" autofocus required maxlength="40" placeholder="your name"> <button>Log in</button></form><p>This page came from Pod <b>${pod}</b>.`,
      ),
    );
    return;
  }
  session.visits++;
  response.end(
    page(
      `<h1>Hello ${escape(session.name)}</h1><p>Visit ${session.visits} of your session, which only Pod <b>${pod}</b> knows.<p><a href="">Again</a>`,
    ),
  );
}

function logIn(request, response) {
  let body = '';
  request.setEncoding('utf8').on('data', (part) => (body = (body + part).slice(0, maxBody)));
  request.on('end', () => {
    const name = new URLSearchParams(body).get('name')?.slice(0, 40) || 'you';
    const id = randomUUID();
    if (sessions.size >= maxSessions) sessions.delete(sessions.keys().next().value);
    sessions.set(id, { name, visits: 0 });
    response.writeHead(303, {
      location: '/login',
      'set-cookie': `demo-session=${id}; Path=/; HttpOnly; SameSite=Lax`,
    });
    response.end();
  });
}

/** Answers `/login`; false for every other request. */
export function answerLogin(request, response, pod) {
  if (request.url?.split('?')[0] !== '/login') return false;
  if (request.method === 'POST') logIn(request, response);
  else show(request, response, pod);
  return true;
}
