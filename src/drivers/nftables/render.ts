/**
 * What a VirtualServer needs in the table of its family: pure, from the Plan and the place of its pools to chains
 * and elements. Two renderings of one VirtualServer differ exactly where the kernel has to change.
 */
import type { ElementSpec, Expression, RuleSpec, Verdict } from '../../codec/nftables/index.ts';
import {
  cidrContains,
  claimantsOf,
  endpointKey,
  formatCidr,
  parseIp,
  planHashSeed,
  type Cidr,
  type Frontend,
  type NodeView,
  type Plan,
  type PoolName,
  type VirtualServer,
} from '../../model/index.ts';
import { affinityChain, constant } from './affinity.ts';
import {
  addressBytes,
  concatenate,
  families,
  loadDestination,
  loadSource,
  placeKey,
  portKey,
  socketBytes,
  word,
  type Family,
} from './family.ts';
import { affinityTag } from './frame.ts';
import { poolsUsed, type PlacedAffinity, type PlacedPool, type Placement } from './placement.ts';

export interface PieceChain {
  readonly name: string;
  readonly rules: readonly (readonly Expression[])[];
  readonly comment: string;
}

export interface PieceElement extends ElementSpec {
  readonly set: string;
  /** Other VirtualServers may have the same one. */
  readonly shared?: boolean;
}

export interface Pieces {
  readonly chains: readonly PieceChain[];
  readonly elements: readonly PieceElement[];
  /** The affinity timeout it rests on. */
  readonly affinitySeconds: number | undefined;
}

export function renderServer(plan: Plan, server: VirtualServer, placement: Placement): Pieces {
  const drawing = new Drawing(plan, server, placement);
  return drawing.draw();
}

/** The rules of a chain as the batch wants them. */
export function rulesOf({ name, rules }: PieceChain): RuleSpec[] {
  return rules.map((expressions) => ({ chain: name, expressions }));
}

class Drawing {
  private readonly plan: Plan;
  private readonly server: VirtualServer;
  private readonly placement: Placement;
  private readonly family: Family;
  private readonly chains: PieceChain[] = [];
  private readonly elements: PieceElement[] = [];

  constructor(plan: Plan, server: VirtualServer, placement: Placement) {
    this.plan = plan;
    this.server = server;
    this.placement = placement;
    this.family = families[server.ref.family];
  }

  draw(): Pieces {
    const { affinity } = this.server;
    for (const name of poolsUsed(this.server)) this.drawPool(name);
    this.drawAffinitySlots();
    this.drawFirewall();
    const drawn = new Set<string>();
    for (const frontend of this.server.frontends) {
      const key = `${frontend.address ?? ''} ${frontend.port}`;
      if (drawn.has(key) || !this.has(frontend)) continue;
      drawn.add(key);
      this.drawFrontend(frontend);
    }
    this.drawShared();
    return {
      chains: this.chains,
      elements: this.elements,
      affinitySeconds: affinity.kind === 'clientIP' ? affinity.timeoutSeconds : undefined,
    };
  }

  /** Of several Services that claim a place one has it. */
  private has(frontend: Frontend): boolean {
    const [first] = claimantsOf(this.plan.frontends, this.server, frontend);
    return first?.id === this.server.id;
  }

  private drawPool(name: PoolName): void {
    const pool = this.placement.pools[name];
    if (pool === undefined) return;
    const choice = this.choice(pool);
    if (choice !== undefined) {
      this.chain(poolChain(this.server, name), choice);
    }
    if (this.placement.affinity !== undefined) {
      this.drawAffinity(name, pool, this.placement.affinity);
      return;
    }
    pool.ring.forEach((index, slot) => {
      const endpoint = pool.endpoints[index];
      if (endpoint === undefined) return;
      const data = socketBytes(endpoint.address, endpoint.port);
      this.element('slots', { key: word(pool.base + slot), data });
    });
  }

  /** Writes the number of a slot into the mark; undefined when nobody takes new connections. */
  private choice(pool: PlacedPool): readonly Expression[] | undefined {
    const modulus = pool.ring.length;
    if (modulus === 0) return undefined;
    const common = { modulus, offset: pool.base, to: 0 } as const;
    const keep: Expression = { kind: 'ct mark set', from: 0 };
    const { addressBytes: length } = this.family;
    const hash = { kind: 'jhash', from: 1, length, seed: planHashSeed, ...common } as const;
    switch (pool.scheduler) {
      case 'rr':
      case 'wrr':
        return [{ kind: 'numgen', mode: 'inc', ...common }, keep];
      case 'random':
        return [{ kind: 'numgen', mode: 'random', ...common }, keep];
      case 'sh':
      case 'mh':
        return [loadSource(this.family, 1), hash, keep];
      case 'dh':
        return [loadDestination(this.family, 1), hash, keep];
    }
  }

  private drawAffinity(
    name: PoolName,
    pool: PlacedPool,
    { number, endpoints }: PlacedAffinity,
  ): void {
    const { affinity } = this.server;
    if (affinity.kind !== 'clientIP') return;
    const tag = affinityTag + number + (name === 'local' ? 1 : 0);
    const { timeoutSeconds } = affinity;
    const asks: Verdict = { kind: 'goto', chain: affinityChain(timeoutSeconds, name) };
    this.chain(entryChain(this.server, name), [constant(tag, 0), { kind: 'ct mark set', from: 0 }]);
    // The next run knows by this whose clients these are.
    this.element('affinities', { key: word(tag), data: asks, comment: this.server.id });
    if (pool.ring.length > 0) {
      const chain = poolChain(this.server, name);
      this.element(`affinity-${name}`, { key: word(number), data: { kind: 'jump', chain } });
    }
    for (const endpoint of new Set(pool.endpoints)) {
      const own = endpoints.get(endpointKey(endpoint));
      if (own !== undefined) this.element(`members-${name}`, { key: word(own) });
    }
    pool.ring.forEach((index, turn) => {
      const endpoint = pool.endpoints[index];
      const own = endpoint && endpoints.get(endpointKey(endpoint));
      if (own !== undefined)
        this.element('turns', { key: word(pool.base + turn), data: word(own) });
    });
  }

  /** Both pools of a Service with affinity know an endpoint by the same number. */
  private drawAffinitySlots(): void {
    const { affinity, pools } = this.placement;
    const drawn = new Set<number>();
    for (const endpoint of Object.values(pools).flatMap((pool) => pool.endpoints)) {
      const own = affinity?.endpoints.get(endpointKey(endpoint));
      if (own === undefined || drawn.has(own)) continue;
      drawn.add(own);
      const data = socketBytes(endpoint.address, endpoint.port);
      this.element('slots', { key: word(own), data });
    }
  }

  private drawFrontend(frontend: Frontend): void {
    const { kind } = frontend;
    const { internalTrafficPolicy, externalTrafficPolicy } = this.server;
    if (kind === 'clusterIP') {
      const pool = internalTrafficPolicy === 'Local' ? 'local' : 'cluster';
      this.lead(frontend, 'services', pool);
      if (this.isEmpty(pool)) this.refuse(frontend);
      return;
    }
    const isLocal = externalTrafficPolicy === 'Local';
    const needed: readonly PoolName[] = isLocal ? ['cluster', 'local'] : ['cluster'];
    if (isLocal) {
      const chain = frontend.address === undefined ? 'local-node-ports' : 'local-places';
      this.at(frontend, 'services', { kind: 'jump', chain });
      this.lead(frontend, 'short-circuit', 'cluster');
      this.lead(frontend, 'external-local', 'local');
    } else {
      this.lead(frontend, 'services', 'cluster');
    }
    const masquerade = isLocal ? 'masquerade-from-node' : 'masquerade';
    this.at(frontend, 'masquerades', { kind: 'goto', chain: masquerade });
    if (needed.some((pool) => this.isEmpty(pool))) this.refuse(frontend);
    if (kind === 'loadBalancer' && this.server.sourceRanges.length > 0) {
      this.at(frontend, 'firewall', { kind: 'goto', chain: firewallChain(this.server) });
    }
  }

  private isEmpty(pool: PoolName): boolean {
    const placed = this.placement.pools[pool];
    if (placed === undefined) return true;
    // With affinity, one that takes nobody new still keeps the clients it has.
    return placed.ring.length === 0 && this.placement.affinity === undefined;
  }

  private lead(frontend: Frontend, map: PlaceMap, pool: PoolName): void {
    if (this.isEmpty(pool)) return;
    const hasAffinity = this.server.affinity.kind === 'clientIP';
    const chain = (hasAffinity ? entryChain : poolChain)(this.server, pool);
    this.at(frontend, map, { kind: 'jump', chain });
  }

  private refuse(frontend: Frontend): void {
    const { hasAny, cluster, local } = this.server.pools;
    // Endpoints that all have weight 0 are there and take nobody: refused at once, as if there were none.
    const drops = hasAny && (cluster.length === 0 || local.length === 0);
    this.at(frontend, 'no-endpoints', drops ? { kind: 'drop' } : { kind: 'goto', chain: 'reject' });
  }

  private at(frontend: Frontend, map: PlaceMap, verdict: Verdict): void {
    const { address, port } = frontend;
    const { protocol } = this.server.ref;
    if (address === undefined) {
      this.element(nodePortMaps[map], { key: portKey(protocol, port), data: verdict });
    } else {
      this.element(map, { key: placeKey(address, protocol, port), data: verdict });
    }
  }

  private drawFirewall(): void {
    const { sourceRanges, frontends } = this.server;
    if (sourceRanges.length === 0 || !frontends.some((f) => f.kind === 'loadBalancer')) return;
    const back: Expression = { kind: 'verdict', verdict: { kind: 'return' } };
    const rules = sourceRanges
      .filter((range) => range.family === this.family.name)
      .map((range) => [...fromRange(this.family, range), back]);
    if (nodeMayEnter(this.plan.node, sourceRanges)) {
      for (const { kind, address } of frontends) {
        if (kind !== 'loadBalancer' || address === undefined) continue;
        const value = addressBytes(address);
        const own: Expression = { kind: 'cmp', op: 'eq', from: 0, value };
        rules.push([loadSource(this.family, 0), own, back]);
      }
    }
    rules.push([{ kind: 'verdict', verdict: { kind: 'drop' } }]);
    const comment = `${this.server.id} from ${sourceRanges.map(formatCidr).join(', ')}`;
    this.chains.push({ name: firewallChain(this.server), rules, comment });
  }

  private drawShared(): void {
    for (const { kind, address } of this.server.frontends) {
      if (kind !== 'clusterIP' || address === undefined) continue;
      this.element('cluster-ips', { key: addressBytes(address) }, true);
    }
    const locals = new Set<string>();
    for (const pool of Object.values(this.placement.pools)) {
      for (const { local, address } of pool.endpoints) if (local) locals.add(address);
    }
    for (const address of locals) {
      const bytes = addressBytes(address);
      this.element('hairpin', { key: concatenate(bytes, bytes) }, true);
    }
  }

  private chain(name: string, rule: readonly Expression[]): void {
    this.chains.push({ name, rules: [rule], comment: this.server.id });
  }

  private element(set: string, spec: ElementSpec, shared = false): void {
    this.elements.push({ set, shared, ...spec });
  }
}

/** Maps by address, protocol and port; each has one by protocol and port for NodePorts. */
const nodePortMaps = {
  services: 'node-ports',
  'short-circuit': 'node-ports-short-circuit',
  'external-local': 'node-ports-local',
  'no-endpoints': 'no-endpoint-node-ports',
  masquerades: 'masquerade-node-ports',
  firewall: 'firewall',
} as const;

type PlaceMap = keyof typeof nodePortMaps;

function nodeMayEnter(node: NodeView, ranges: readonly Cidr[]): boolean {
  return node.addresses.some((address) => {
    const bytes = parseIp(address);
    return bytes !== undefined && ranges.some((range) => cidrContains(range, bytes));
  });
}

function fromRange(family: Family, range: Cidr): readonly Expression[] {
  const mask = new Uint8Array(family.addressBytes);
  for (let bit = 0; bit < range.prefix; bit++) {
    mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  }
  const value = range.bytes.map((byte, i) => byte & (mask[i] ?? 0));
  return [
    loadSource(family, 0),
    { kind: 'bitwise', from: 0, to: 0, mask, xor: new Uint8Array(mask.length) },
    { kind: 'cmp', op: 'eq', from: 0, value },
  ];
}

/** `pool-NAMESPACE/NAME/PORT/PROTOCOL-POOL`: unique in a table, and nft's grammar takes it as it is. */
function poolChain(server: VirtualServer, pool: PoolName): string {
  return `pool-${nameOf(server)}-${pool}`;
}

function entryChain(server: VirtualServer, pool: PoolName): string {
  return `affine-${nameOf(server)}-${pool}`;
}

function firewallChain(server: VirtualServer): string {
  return `firewall-${nameOf(server)}`;
}

function nameOf({ ref }: VirtualServer): string {
  const port = ref.portName === '' ? '' : `/${ref.portName}`;
  return `${ref.namespace}/${ref.name}${port}/${ref.protocol.toLowerCase()}`;
}
