/** The only doors to the operating system; sys/net has one of its own. */
export { createFakeClock, systemClock } from './clock.ts';
export type { FakeClock } from './clock.ts';
export { SysError, sysErrors } from './errors.ts';
export { killGroup, readOutput, startChild } from './exec.ts';
export type { Child, ChildEnd, ChildOptions, ChildOutput, Pipe } from './exec.ts';
export {
  kindOf,
  listFolder,
  makePrivateFolder,
  readText,
  remove,
  watchPath,
  writeTextAtomically,
} from './files.ts';
export { handleOf } from './node-handle.ts';
export { moduleFile, packageFile } from './resource.ts';
