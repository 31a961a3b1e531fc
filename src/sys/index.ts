/** The only doors to the operating system; sys/net has one of its own. */
export { createFakeClock, systemClock } from './clock.ts';
export type { FakeClock } from './clock.ts';
export { SysError, sysErrors } from './errors.ts';
export { startChild } from './exec.ts';
export type { Child, ChildEnd } from './exec.ts';
export {
  kindOf,
  listFolder,
  makePrivateFolder,
  readBytes,
  readText,
  remove,
  watchPath,
  writeTextAtomically,
} from './files.ts';
export { moduleFile, packageFile } from './resource.ts';
export { unzipText } from './unzip.ts';
