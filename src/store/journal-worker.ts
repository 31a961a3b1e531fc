/**
 * The thread of a journal: a sync to disk takes a millisecond or many, and whoever carries connections must not
 * stand still meanwhile.
 */
import { CodedError, messageOf } from '../model/index.ts';
import { workerPort } from '../sys/index.ts';
import { JournalFile } from './journal-file.ts';
import type { Answer, Refusal, Request } from './journal-protocol.ts';
import type { Revision } from './journal.ts';
import { packRevisions, unpackRevisions } from './packed-revisions.ts';

const port = workerPort<Request, Answer>();
const partSize = 1_000;
let file: JournalFile | undefined;

port.onMessage((request) => {
  try {
    port.post({ id: request.id, ...perform(request) });
  } catch (thrown) {
    port.post({ id: request.id, error: refusalOf(thrown) });
  }
});

function perform(request: Request): { readonly settings?: Readonly<Record<string, string>> } {
  if (request.do === 'open') {
    file = new JournalFile(request.path);
    sendAll(request.id, file);
    return { settings: file.settings() };
  }
  if (file === undefined) throw new Error('no journal is open');
  switch (request.do) {
    case 'commit':
      file.commit({ ...request.commit, revisions: unpackRevisions(request.commit.revisions) });
      return {};
    case 'set':
      file.setSetting(request.name, request.value);
      return {};
    case 'copy':
      file.copyTo(request.path);
      return {};
    case 'close':
      file.close();
      file = undefined;
      return {};
  }
}

function sendAll(id: number, opened: JournalFile): void {
  let part: Revision[] = [];
  for (const revision of opened.revisions()) {
    part.push(revision);
    if (part.length < partSize) continue;
    port.post({ id, part: packRevisions(part) });
    part = [];
  }
  port.post({ id, part: packRevisions(part) });
}

function refusalOf(thrown: unknown): Refusal {
  if (!(thrown instanceof CodedError)) {
    return { code: 'DATABASE_FAILED', message: messageOf(thrown), remedy: undefined };
  }
  return { code: thrown.code, message: thrown.message, remedy: thrown.remedy };
}
