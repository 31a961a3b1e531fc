/** The door for clients that do not use our name server: SOCKS5h and HTTP CONNECT. */
export { createDoor } from './server.ts';
export type { Door } from './server.ts';
