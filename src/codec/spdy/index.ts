/** SPDY/3.1, bytes in and out. */
export type { SpdyFields } from './field-block.ts';
export { spdyStatus, SpdyReader, SpdyWriter } from './frames.ts';
export type { SpdyFrame } from './frames.ts';
