/** The only doors to the operating system; sys/net has one of its own. */
export { createFakeClock, systemClock } from './clock.ts';
export type { FakeClock } from './clock.ts';
export { SysError, sysErrors } from './errors.ts';
export { killGroup, readOutput, startChild } from './exec.ts';
export type { Child, ChildEnd, ChildOptions, ChildOutput, Pipe, Within } from './exec.ts';
export {
  copyInto,
  kindOf,
  listFolder,
  makePrivateFolder,
  placeFile,
  readBytes,
  readText,
  remove,
  watchPath,
  writeDurably,
  writeTextAtomically,
  writeTextNow,
} from './files.ts';
export { findProgram, hostFacts, hostName, interfaceAddresses } from './host.ts';
export { inflatePart } from './inflate.ts';
export { nodeHttp } from './node-http.ts';
export { handleOf } from './node-handle.ts';
export { createOrphanGuard } from './orphan-guard.ts';
export type { OrphanGuard } from './orphan-guard.ts';
export { moduleFile, packageFile } from './resource.ts';
export { unzipText } from './unzip.ts';
export { openDatabase } from './sqlite.ts';
export type { Database, SqlRow, SqlValue, Statement } from './sqlite.ts';
export { startWorker, workerPort } from './worker.ts';
export type { WorkerOptions, WorkerPort, WorkerThread } from './worker.ts';
export { keepHeapSmall, keepYoungHeapSmall } from './small-heap.ts';
