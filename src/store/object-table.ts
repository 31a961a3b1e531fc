/** The objects of one kind by namespace and name, listed in the API server's order, and their history. */
import { type KubeObject, type ObjectName } from '../kube/index.ts';
import type { EventLog } from './event-log.ts';

export class ObjectTable {
  readonly log: EventLog;
  private readonly namespaces = new Map<string, NamespaceTable>();
  private sortedNamespaces: readonly string[] | undefined;

  constructor(log: EventLog) {
    this.log = log;
  }

  get({ namespace = '', name }: ObjectName): KubeObject | undefined {
    return this.namespaces.get(namespace)?.objects.get(name);
  }

  set({ namespace = '', name }: ObjectName, object: KubeObject): void {
    let table = this.namespaces.get(namespace);
    if (table === undefined) {
      table = { objects: new Map(), sortedNames: undefined };
      this.namespaces.set(namespace, table);
      this.sortedNamespaces = undefined;
    }
    if (!table.objects.has(name)) table.sortedNames = undefined;
    table.objects.set(name, object);
  }

  delete({ namespace = '', name }: ObjectName): void {
    const table = this.namespaces.get(namespace);
    if (table === undefined || !table.objects.delete(name)) return;
    table.sortedNames = undefined;
    if (table.objects.size > 0) return;
    this.namespaces.delete(namespace);
    this.sortedNamespaces = undefined;
  }

  /** By namespace, then name. One namespace costs what it holds, however much the others do. */
  *list(namespace: string | undefined): Iterable<KubeObject> {
    // The order of keys in etcd, `NAMESPACE/NAME`: `a-b/x` comes before `a/x`.
    this.sortedNamespaces ??= [...this.namespaces.keys()]
      .map((key) => `${key}/`)
      .toSorted()
      .map((key) => key.slice(0, -1));
    const wanted = namespace === undefined ? this.sortedNamespaces : [namespace];
    for (const key of wanted) {
      const table = this.namespaces.get(key);
      if (table === undefined) continue;
      table.sortedNames ??= [...table.objects.keys()].toSorted();
      for (const name of table.sortedNames) {
        const object = table.objects.get(name);
        if (object !== undefined) yield object;
      }
    }
  }
}

interface NamespaceTable {
  readonly objects: Map<string, KubeObject>;
  /** Undefined until listed; creating and deleting forget it. */
  sortedNames: readonly string[] | undefined;
}
