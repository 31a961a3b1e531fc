/** One call of the gRPC health service (grpc.health.v1.Health/Check), in clear text. */
import { formatSocketAddress, type SocketAddress } from '../../model/index.ts';

export interface GrpcCheckOptions {
  readonly at: SocketAddress;
  readonly service: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const maxAnswerBytes = 4_096;
const frameHeaderBytes = 5;
const serving = 1;

/** Resolves with whether it says SERVING. Rejects with whatever kept the answer away. */
export async function checkGrpc(options: GrpcCheckOptions): Promise<boolean> {
  const { at, service, timeoutMs, signal } = options;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  // Only where it is needed: few Pods have such a probe.
  const { connect } = await import('node:http2');
  signal.throwIfAborted();
  if (limit.aborted) throw tooLate();
  return await new Promise((resolve, reject) => {
    const session = connect(`http://${formatSocketAddress(at)}`);
    const end = (): void => session.destroy();
    limit.addEventListener('abort', end, { once: true });
    session.once('close', () => {
      limit.removeEventListener('abort', end);
      reject(tooLate());
    });
    // What we ended ourselves fails in one way or another, whichever comes first.
    const fail = (error: Error): void => reject(limit.aborted ? tooLate() : error);
    session.once('error', fail);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let answer = Buffer.alloc(0);
    stream.once('error', fail);
    stream.on('data', (part: Buffer) => {
      answer = Buffer.concat([answer, part]);
      if (answer.length > maxAnswerBytes) end();
    });
    stream.once('end', () => {
      // Ended by us: that is no answer.
      if (limit.aborted) reject(tooLate());
      else resolve(readHealth(answer) === serving);
      end();
    });
    stream.end(requestFrame(service));
  });
}

function tooLate(): Error {
  return new Error('no answer in time');
}

/** HealthCheckRequest { string service = 1 } in a gRPC frame. */
function requestFrame(service: string): Buffer {
  const name = Buffer.from(service).subarray(0, 127);
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** HealthCheckResponse { ServingStatus status = 1 }; undefined when it is none. */
function readHealth(answer: Buffer): number | undefined {
  const message = answer.subarray(frameHeaderBytes);
  return message[0] === 0x08 ? message[1] : undefined;
}
