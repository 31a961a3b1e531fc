/**
 * The objects a node last knew, in a file: a node that starts while its API is away forwards by them. Lines of JSON
 * between a head that says of what, and an end that proves the file is whole.
 */
import { createHash } from 'node:crypto';
import { isJsonObject, isKubeObject, type KubeObject } from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { makePrivateFolder, readText, SysError, writeDurably } from '../sys/index.ts';
import { ClusterError } from './errors.ts';

/** Of which cluster, for whom and by which selectors; a state of anything else is not used. */
export interface KeptSubject {
  readonly server: string;
  readonly node: string;
  readonly following: readonly string[];
}

export interface KeptObjects {
  readonly savedAtMs: number;
  readonly objects: readonly KubeObject[];
}

export interface KeptState {
  /** Undefined when there is none, or it is of something else. Rejects with KEPT_STATE_DAMAGED and FILE_ codes. */
  load(): Promise<KeptObjects | undefined>;
  save(kept: { readonly savedAtMs: number; readonly objects: Iterable<KubeObject> }): Promise<void>;
}

const format = 1;
const fileName = 'objects.jsonl';
const pieceLength = 262_144;

export function createKeptState(folder: string, subject: KeptSubject): KeptState {
  const path = `${folder}/${fileName}`;
  return {
    load: async () => {
      const text = await readIfThere(path);
      return text === undefined ? undefined : parse(path, text, subject);
    },
    save: async ({ savedAtMs, objects }) => {
      await makePrivateFolder(folder);
      const head = { switchyardState: format, savedAtMs, ...subject };
      await writeDurably(path, pieces(JSON.stringify(head), objects));
    },
  };
}

function* pieces(head: string, objects: Iterable<KubeObject>): Generator<string, void> {
  const hash = createHash('sha256');
  let count = 0;
  let piece = `${head}\n`;
  for (const object of objects) {
    piece += `${JSON.stringify(object)}\n`;
    count++;
    if (piece.length < pieceLength) continue;
    hash.update(piece);
    yield piece;
    piece = '';
  }
  hash.update(piece);
  yield `${piece}${JSON.stringify({ end: count, sha256: hash.digest('hex') })}\n`;
}

function parse(path: string, text: string, subject: KeptSubject): KeptObjects | undefined {
  const [headLine = '', ...lines] = text.split('\n');
  const endLine = lines.at(-2) ?? '';
  const head = json(path, headLine);
  const end = json(path, endLine);
  if (!isJsonObject(head) || head['switchyardState'] !== format) {
    throw damaged(path, 'it is of another version');
  }
  const body = text.slice(0, text.length - endLine.length - 1);
  const sha256 = createHash('sha256').update(body).digest('hex');
  if (!isJsonObject(end) || end['sha256'] !== sha256) throw damaged(path, 'its end does not fit');
  const { savedAtMs, server, node, following } = head;
  const is = JSON.stringify({ server, node, following });
  const wants = JSON.stringify({
    server: subject.server,
    node: subject.node,
    following: subject.following,
  });
  if (is !== wants || typeof savedAtMs !== 'number') return undefined;
  const objects = lines.slice(0, -2).map((line) => json(path, line));
  if (!objects.every(isKubeObject)) throw damaged(path, 'a line of it is no object');
  return { savedAtMs, objects };
}

function json(path: string, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw damaged(path, messageOf(cause));
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readText(path);
  } catch (thrown) {
    if (thrown instanceof SysError && thrown.code === 'FILE_NOT_FOUND') return undefined;
    throw thrown;
  }
}

function damaged(path: string, why: string): ClusterError {
  return new ClusterError('KEPT_STATE_DAMAGED', `Cannot use the state kept in ${path}: ${why}`, {
    remedy: 'Nothing is to be done: it is written anew when the API answers',
  });
}
