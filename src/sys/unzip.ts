/** Texts that are kept packed. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

const unpack = promisify(gunzip);

export async function unzipText(bytes: Uint8Array): Promise<string> {
  return (await unpack(bytes)).toString('utf8');
}
