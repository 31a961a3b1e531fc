/**
 * What programs of Pods with networks of their own find in /etc/resolv.conf: the names of the cluster, as a kubelet
 * writes it. The host's own file may name a server at a loopback address, and a Pod's loopback is another one.
 */
import { join } from 'node:path';
import { messageOf } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import { makePrivateFolder, readText, remove, writeTextNow } from '../sys/index.ts';
import { loadNamespaces, type Namespaces } from '../sys/ffi/index.ts';

export interface PodNames {
  /** Runs `work`, at once and to its end: programs it starts ask for names as Pods of the namespace do. */
  run<T>(namespace: string, work: () => T): T;
  close(): Promise<void>;
}

export interface PodNamesOptions {
  /** Of the instance; where the files are. */
  readonly folder: string;
  /** Who is asked. */
  readonly server: string;
  readonly log: Logger;
}

const target = '/etc/resolv.conf';
const zone = 'cluster.local';

/** Undefined, with a line that says why, where programs cannot be given a file of their own. */
export async function openPodNames({
  folder,
  server,
  log,
}: PodNamesOptions): Promise<PodNames | undefined> {
  const files = join(folder, 'pod-names');
  const own = await readText(target).catch(() => '');
  const searched = [...own.matchAll(/^search\s+(.*)$/gm)].at(-1)?.[1] ?? '';
  const written = new Map<string, string>();
  const fileOf = (namespace: string): string => {
    const known = written.get(namespace);
    if (known !== undefined) return known;
    const source = join(files, namespace);
    const cluster = `${namespace}.svc.${zone} svc.${zone} ${zone}`;
    const search = `search ${cluster} ${searched}`.trim();
    writeTextNow(source, `${search}\nnameserver ${server}\noptions ndots:5\n`);
    written.set(namespace, source);
    return source;
  };
  try {
    await makePrivateFolder(folder);
    await makePrivateFolder(files);
    const namespaces = await loadNamespaces();
    // Once for nothing, so that what this host refuses shows before the first Pod.
    runWith({ namespaces, source: fileOf('default') }, () => undefined);
    return {
      run: (namespace, work) => runWith({ namespaces, source: fileOf(namespace) }, work),
      close: () => remove(files),
    };
  } catch (thrown) {
    const why = messageOf(thrown);
    log.info(`Pods ask for names whom this host's ${target} says`, { why });
    await remove(files);
    return undefined;
  }
}

function runWith<T>(
  { namespaces, source }: { readonly namespaces: Namespaces; readonly source: string },
  work: () => T,
): T {
  let done: { readonly value: T } | undefined;
  const result = namespaces.withFile({ source, target }, () => {
    done = { value: work() };
    return 0;
  });
  if (done !== undefined) return done.value;
  throw new Error(`Cannot give a program its own ${target}: ${namespaces.nameOf(result)}`);
}
