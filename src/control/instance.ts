/**
 * Where running instances are found: a folder each, named after the instance, with the control socket in it.
 *
 * New ones live under `$XDG_RUNTIME_DIR/switchyard`, or `$HOME/.local/state/switchyard` without it. Both are
 * searched: the variable is set in a login session and missing under cron, sudo or in a container.
 */
import { isAbsolute, join } from 'node:path';
import { kindOf, listFolder } from '../sys/index.ts';
import { createControlClient } from './client.ts';
import { ControlError } from './errors.ts';
import type { InstanceView } from './protocol.ts';

/** What the environment says of this user's folders; read in app/. */
export interface UserFolders {
  readonly xdgRuntimeDir: string | undefined;
  readonly home: string | undefined;
}

export interface FoundInstance {
  readonly name: string;
  readonly socketPath: string;
  readonly view: InstanceView;
}

export const defaultInstance = 'default';

const socketName = 'control.sock';

/** Long enough for an instance that is busy with a big change; a dead one refuses at once. */
const searchTimeoutMs = 5_000;

/** The folder of an instance to be started. Throws CONTROL_NAME_INVALID, CONTROL_NO_HOME. */
export function instanceFolder(folders: UserFolders, name: string): string {
  checkName(name);
  return join(roots(folders)[0] ?? '', name);
}

/** The control socket in an instance's folder. */
export function controlSocket(folder: string): string {
  return join(folder, socketName);
}

/** Those that answer, by name. Whatever else is in the folders is left alone. Throws CONTROL_NO_HOME. */
export async function findInstances(folders: UserFolders): Promise<readonly FoundInstance[]> {
  return (await search(folders)).found;
}

/**
 * The instance a command is meant for: the one named, or the only one. Rejects with CONTROL_NONE_RUNNING,
 * CONTROL_SEVERAL_RUNNING, CONTROL_NOT_RUNNING, CONTROL_NAME_INVALID, and with CONTROL_TIMED_OUT or
 * CONTROL_VERSION_MISMATCH when it is there and cannot be talked to.
 */
export async function chooseInstance(
  folders: UserFolders,
  named: string | undefined,
): Promise<FoundInstance> {
  if (named !== undefined) {
    checkName(named);
    const { found, silent } = await search(folders, named);
    if (found[0] !== undefined) return found[0];
    if (silent[0] !== undefined) throw silent[0].error;
  }
  const { found, silent } = await search(folders);
  const [only] = found;
  if (named === undefined) {
    if (only !== undefined && found.length + silent.length === 1) return only;
    if (only === undefined && silent[0] !== undefined) throw silent[0].error;
  }
  const details = [
    ...found.map(
      ({ name, view }) => `${name}  pid ${view.pid}, ${view.driver}, since ${view.startedAt}`,
    ),
    ...silent.map(({ name, error }) => `${name}  ${error.message}`),
  ];
  throw noChoice(named, only?.name, details);
}

function noChoice(
  named: string | undefined,
  other: string | undefined,
  details: readonly string[],
): ControlError {
  if (named === undefined && other !== undefined) {
    return new ControlError(
      'CONTROL_SEVERAL_RUNNING',
      'Cannot choose an instance: several are running and none was named',
      { details, remedy: `Name one, for example --instance ${other}` },
    );
  }
  if (named === undefined) {
    return new ControlError(
      'CONTROL_NONE_RUNNING',
      'Cannot reach a running Switchyard: none is running',
      { remedy: 'Start one with npm start, or switchyard up' },
    );
  }
  return new ControlError(
    'CONTROL_NOT_RUNNING',
    details.length === 0
      ? `Cannot reach instance ${named}: none is running`
      : `Cannot reach instance ${named}: it is not running; others are`,
    { details, remedy: `Start it with switchyard up --instance ${named}` },
  );
}

function roots({ xdgRuntimeDir, home }: UserFolders): readonly string[] {
  const found: string[] = [];
  // The XDG specification says to ignore a path that is not absolute.
  if (xdgRuntimeDir !== undefined && isAbsolute(xdgRuntimeDir)) {
    found.push(join(xdgRuntimeDir, 'switchyard'));
  }
  if (home !== undefined && isAbsolute(home)) {
    found.push(join(home, '.local', 'state', 'switchyard'));
  }
  if (found.length > 0) return found;
  throw new ControlError(
    'CONTROL_NO_HOME',
    'Cannot find where instances live: neither XDG_RUNTIME_DIR nor HOME is an absolute path',
    { remedy: 'Set HOME to your home folder' },
  );
}

function isName(name: string): boolean {
  return /^[a-z0-9-]{1,40}$/.test(name);
}

function checkName(name: string): void {
  if (isName(name)) return;
  throw new ControlError(
    'CONTROL_NAME_INVALID',
    `Cannot use ${JSON.stringify(name)} as the name of an instance: it must be 1 to 40 of a-z, 0-9 and -`,
    { remedy: 'Choose a name such as shop-2' },
  );
}

/** An instance whose socket is there and that cannot be talked to. */
interface SilentInstance {
  readonly name: string;
  readonly error: ControlError;
}

interface SearchResult {
  readonly found: readonly FoundInstance[];
  readonly silent: readonly SilentInstance[];
}

async function search(folders: UserFolders, only?: string): Promise<SearchResult> {
  const sockets = (await Promise.all(roots(folders).map(socketsIn)))
    .flat()
    .filter(({ name }) => only === undefined || name === only)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const answers = await Promise.all(sockets.map(ask));
  return {
    found: answers.flatMap((answer) => (answer?.kind === 'found' ? [answer.instance] : [])),
    silent: answers.flatMap((answer) => (answer?.kind === 'silent' ? [answer] : [])),
  };
}

interface NamedSocket {
  readonly name: string;
  readonly socketPath: string;
}

async function socketsIn(root: string): Promise<readonly NamedSocket[]> {
  if ((await kindOf(root)) !== 'folder') return [];
  const names = (await listFolder(root)).filter(isName);
  const all = names.map((name) => ({ name, socketPath: controlSocket(join(root, name)) }));
  const kinds = await Promise.all(all.map(({ socketPath }) => kindOf(socketPath)));
  return all.filter((_, i) => kinds[i] === 'other');
}

type Answer =
  | { readonly kind: 'found'; readonly instance: FoundInstance }
  | ({ readonly kind: 'silent' } & SilentInstance);

async function ask({ name, socketPath }: NamedSocket): Promise<Answer | undefined> {
  try {
    const client = createControlClient(socketPath, { timeoutMs: searchTimeoutMs });
    return { kind: 'found', instance: { name, socketPath, view: await client.instance() } };
  } catch (thrown) {
    if (!(thrown instanceof ControlError)) return undefined;
    const isThere =
      thrown.code === 'CONTROL_VERSION_MISMATCH' || thrown.code === 'CONTROL_TIMED_OUT';
    return isThere ? { kind: 'silent', name, error: thrown } : undefined;
  }
}
