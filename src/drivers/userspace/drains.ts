/** Ends the connections of endpoints that went away, once they have had their time. */
import { endpointKey, type Clock, type VirtualServer } from '../../model/index.ts';

export interface DrainsOptions {
  readonly clock: Clock;
  /** How long connections may go on after their endpoint went. */
  readonly drainMs: number;
  /** A ServicePort in the Plan in force. */
  server(id: string): VirtualServer | undefined;
}

/** What is open at one endpoint. */
interface Group {
  readonly members: Set<Drained>;
  /** Aborted when the endpoint comes back or nothing is left open; undefined while the endpoint is there. */
  deadline: AbortController | undefined;
}

interface Drained {
  /** Ends it with RST. */
  destroy(): void;
}

/** Where something is carried to. */
interface Place {
  readonly serverId: string;
  readonly endpoint: string;
}

export class Drains {
  private readonly options: DrainsOptions;
  /** By ServicePort id, then by endpoint key. */
  private readonly groups = new Map<string, Map<string, Group>>();

  constructor(options: DrainsOptions) {
    this.options = options;
  }

  /** Takes care of a connection from now on; returns what to call when it has ended. */
  enter(place: Place, member: Drained): () => void {
    const { serverId, endpoint } = place;
    let ofServer = this.groups.get(serverId);
    if (ofServer === undefined) this.groups.set(serverId, (ofServer = new Map()));
    let group = ofServer.get(endpoint);
    if (group === undefined) {
      ofServer.set(endpoint, (group = { members: new Set(), deadline: undefined }));
      // The endpoint may have gone while it was being connected to.
      if (!isServing(this.options.server(serverId), endpoint)) this.start(group);
    }
    const { members } = group;
    members.add(member);
    return () => {
      members.delete(member);
      if (members.size === 0) this.forget(place);
    };
  }

  /** Takes note of a ServicePort as it is now. */
  follow(serverId: string): void {
    const ofServer = this.groups.get(serverId);
    if (ofServer === undefined) return;
    const server = this.options.server(serverId);
    const serving = new Set(server?.endpoints.filter(serves).map(endpointKey));
    for (const [endpoint, group] of ofServer) {
      if (serving.has(endpoint)) {
        group.deadline?.abort();
        group.deadline = undefined;
      } else if (group.deadline === undefined) {
        this.start(group);
      }
    }
  }

  private start(group: Group): void {
    const deadline = new AbortController();
    group.deadline = deadline;
    const { clock, drainMs } = this.options;
    void clock.sleep(drainMs, deadline.signal).then(() => {
      if (deadline.signal.aborted) return;
      for (const member of group.members) member.destroy();
    });
  }

  private forget({ serverId, endpoint }: Place): void {
    const ofServer = this.groups.get(serverId);
    ofServer?.get(endpoint)?.deadline?.abort();
    ofServer?.delete(endpoint);
    if (ofServer?.size === 0) this.groups.delete(serverId);
  }
}

/** True while what an endpoint carries may stay there: also when it is ending and takes nothing new. */
export function isServing(server: VirtualServer | undefined, endpoint: string): boolean {
  return server?.endpoints.some((each) => endpointKey(each) === endpoint && serves(each)) === true;
}

function serves({ ready, serving }: VirtualServer['endpoints'][number]): boolean {
  return ready || serving;
}
