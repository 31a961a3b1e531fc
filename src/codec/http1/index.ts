/** HTTP/1.1 messages, bytes in and out: strict in what is read, plain in what is written. */
export { ByteWriter } from './byte-writer.ts';
export { ChunkedBody } from './chunked-body.ts';
export { FieldTable } from './field-table.ts';
export { hasHeadEnd } from './octets.ts';
export { passesInRequest, passesInResponse, passesTrailer, withoutNamed } from './passed-fields.ts';
export { problems } from './problems.ts';
export type { Problem } from './problems.ts';
export { RequestHead } from './request-head.ts';
export { ResponseHead } from './response-head.ts';
