/** Answers as a client of HTTP/1.1 gets them. */
import { statusTexts } from './status-texts.ts';
import { passesInResponse, withoutNamed, type ByteWriter } from '../codec/http1/index.ts';
import type { FieldList, IncomingResponse } from './messages.ts';

export interface ResponseOptions {
  readonly added: readonly (readonly [string, string])[];
  /** Of the client's own version. */
  readonly minor: number;
  readonly isHead: boolean;
  readonly keepsAlive: boolean;
}

export interface Written {
  /** The body follows in chunks. */
  readonly chunked: boolean;
  readonly keepsAlive: boolean;
}

const asChunks: Written = { chunked: true, keepsAlive: true };
const asChunksThenClose: Written = { chunked: true, keepsAlive: false };
const plain: Written = { chunked: false, keepsAlive: true };
const plainThenClose: Written = { chunked: false, keepsAlive: false };

/** Writes the head of an answer and says how its body is framed. */
export function writeResponse(
  out: ByteWriter,
  response: IncomingResponse,
  { added, minor, isHead, keepsAlive }: ResponseOptions,
): Written {
  const { status, contentLength, hasBody } = response;
  writeFields(out, response);
  for (const [name, value] of added) out.field(name, value);
  let chunked = false;
  let keeps = keepsAlive;
  if (contentLength >= 0 && status !== 204) {
    out.text('Content-Length: ');
    out.decimal(contentLength);
    out.text('\r\n');
  } else if (hasBody && minor === 1) {
    chunked = true;
    out.text('Transfer-Encoding: chunked\r\n');
  } else if (!isHead && hasBody) keeps = false;
  if (!keeps) out.text('Connection: close\r\n');
  else if (minor === 0) out.text('Connection: keep-alive\r\n');
  out.text('\r\n');
  if (chunked) return keeps ? asChunks : asChunksThenClose;
  return keeps ? plain : plainThenClose;
}

/** 100 and 103, and the 101 after which the connection speaks another protocol. */
export function writeInformational(out: ByteWriter, response: IncomingResponse): void {
  writeFields(out, response);
  if (response.status === 101) out.text('Connection: Upgrade\r\nUpgrade: websocket\r\n');
  out.text('\r\n');
}

function writeFields(out: ByteWriter, response: IncomingResponse): void {
  const { head } = response;
  if (head !== undefined) {
    head.writeLine(out);
    const { framing, fields } = head;
    out.fields(
      fields,
      framing.named.length === 0 ? passesInResponse : withoutNamed(framing, passesInResponse),
    );
    return;
  }
  writeStatus(out, response.status);
  const list = response.list();
  for (let i = 0; i + 1 < list.length; i += 2) {
    if (list[i] !== 'content-length') out.field(list[i] ?? '', list[i + 1] ?? '');
  }
}

function writeStatus(out: ByteWriter, status: number): void {
  out.text(`HTTP/1.1 ${status} ${statusTexts[status] ?? ''}\r\n`);
}

export interface OwnAnswer {
  readonly status: number;
  readonly reason: string;
  readonly isHead: boolean;
  readonly keepsAlive: boolean;
}

/** An answer of the gateway itself, in words. */
export function answerOf(out: ByteWriter, { status, reason, isHead, keepsAlive }: OwnAnswer): void {
  const body = `${status} ${statusTexts[status] ?? ''}: ${reason}\n`;
  writeStatus(out, status);
  out.text('Content-Type: text/plain; charset=utf-8\r\n');
  out.field('Content-Length', String(body.length));
  if (!keepsAlive) out.text('Connection: close\r\n');
  out.text('\r\n');
  if (!isHead) out.text(body);
}

/** The end of a body in chunks, with what stands behind it. */
export function writeLastChunk(out: ByteWriter, trailers: FieldList): void {
  out.text('0\r\n');
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    out.field(trailers[i] ?? '', trailers[i + 1] ?? '');
  }
  out.text('\r\n');
}
