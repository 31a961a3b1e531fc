/** The door for clients that do not use our name server: SOCKS5h, HTTP CONNECT, and plain requests. */
export { createDoor } from './server.ts';
export type { Door } from './server.ts';
