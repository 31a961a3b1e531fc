/**
 * Addresses and node ports of Services: which range they come from, what is claimed for a Service that is written
 * and given back when it changes or goes (pkg/registry/core/service/storage/alloc.go, Kubernetes 1.36).
 */
import {
  ApiError,
  nameOf,
  objectKey,
  type Service,
  type ServicePortSpec,
  type ServiceSpec,
} from '../kube/index.ts';
import { lowerBand, type AddressRanges } from './address-ranges.ts';
import type { Problems } from './problems.ts';
import { ClaimWork, type Holding } from './claim-work.ts';
import { RangeAllocator } from './range-allocator.ts';
import { withFamilies } from './service-families.ts';
import {
  isHeadless,
  needsClusterIp,
  needsHealthCheckPort,
  needsNodePorts,
} from './service-defaults.ts';
import type { Claim } from './strategy.ts';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export class ServiceAllocator {
  private readonly addresses: AddressRanges;
  private readonly nodePortRange: PortRange;
  private readonly ports: RangeAllocator;

  constructor(addresses: AddressRanges, nodePortRange: PortRange) {
    this.addresses = addresses;
    this.nodePortRange = nodePortRange;
    const { first, last } = nodePortRange;
    const count = last - first + 1;
    this.ports = new RangeAllocator({
      size: count,
      first: 0,
      last: count - 1,
      lowerBandEnd: lowerBand(count / 32, 128),
      itemAt: (place) => String(first + place),
    });
  }

  /** Claims for a completed and valid Service; what is refused goes to `problems`. */
  claim(service: Service, stored: Service | undefined, problems: Problems): Claim<Service> {
    const held = stored === undefined ? undefined : this.holdings(stored.spec ?? {});
    const work = new ClaimWork(objectKey(nameOf(service)), held);
    try {
      const spec = this.fill(service.spec ?? {}, { old: stored?.spec, work, problems });
      return {
        object: { ...service, spec },
        commit: () => work.commit(this.holdings(spec)),
        revert: () => work.revert(),
      };
    } catch (thrown) {
      work.revert();
      throw thrown;
    }
  }

  /** Marks what a stored Service holds, at start; what two hold stays with the first. */
  adopt(service: Service): void {
    const owner = objectKey(nameOf(service));
    for (const { from, item } of this.holdings(service.spec ?? {})) from.take(item, owner);
  }

  release(service: Service): void {
    const owner = objectKey(nameOf(service));
    for (const { from, item } of this.holdings(service.spec ?? {})) from.release(item, owner);
  }

  private holdings(spec: ServiceSpec): readonly Holding[] {
    const ports = [
      ...(spec.ports ?? []).map((port) => port.nodePort ?? 0),
      spec.healthCheckNodePort ?? 0,
    ];
    return [
      ...this.addresses.holdings(spec.clusterIPs ?? []),
      ...ports
        .filter((port) => port !== 0)
        .map((port) => ({ from: this.ports, item: String(port) })),
    ];
  }

  /** One kind of problem at a time: what is wrong with the families would make the addresses' problems worse. */
  private fill(spec: ServiceSpec, context: FillContext): ServiceSpec {
    const { old, work, problems } = context;
    const before = problems.causes.length;
    const placed = withFamilies(spec, { old, configured: this.addresses.families, problems });
    if (problems.causes.length > before) return placed;
    const addressed = this.withAddress(placed, work, problems);
    return problems.causes.length > before ? addressed : this.withPorts(addressed, work, problems);
  }

  /** One address a family: those that are named, then the ones that are missing. */
  private withAddress(spec: ServiceSpec, work: ClaimWork, problems: Problems): ServiceSpec {
    if (!needsClusterIp(spec) || isHeadless(spec)) return spec;
    const wanted = spec.clusterIPs ?? [];
    const before = problems.causes.length;
    for (const text of wanted) {
      const reason = this.addresses.take(text, work);
      if (reason === undefined) continue;
      problems.invalid('spec.clusterIPs', wanted, `failed to allocate IP ${text}: ${reason}`);
    }
    if (problems.causes.length > before) return spec;
    const missing = (spec.ipFamilies ?? []).slice(wanted.length);
    const given = missing.map((family) => {
      const address = this.addresses.takeNext(family, work);
      if (address === undefined) throw full('a serviceIP', this.addresses.texts.join(', '));
      return address;
    });
    const all = [...wanted, ...given];
    const [first] = all;
    return first === undefined ? spec : { ...spec, clusterIP: first, clusterIPs: all };
  }

  private withPorts(spec: ServiceSpec, work: ClaimWork, problems: Problems): ServiceSpec {
    if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return spec;
    // One node port serves all protocols of one port.
    const shared = new Map<number, number>();
    for (const { port, nodePort = 0 } of spec.ports ?? []) {
      if (nodePort !== 0 && !shared.has(port)) shared.set(port, nodePort);
    }
    const ports: ServicePortSpec[] = [];
    for (const [i, port] of (spec.ports ?? []).entries()) {
      const nodePort = port.nodePort || shared.get(port.port) || 0;
      if (nodePort !== 0) {
        const reason = this.takePort(nodePort, work);
        if (reason !== undefined) problems.invalid(`spec.ports[${i}].nodePort`, nodePort, reason);
        ports.push({ ...port, nodePort });
      } else if (needsNodePorts(spec)) {
        const given = this.nextPort(`${work.owner}/${port.port}`, work);
        shared.set(port.port, given);
        ports.push({ ...port, nodePort: given });
      } else {
        ports.push(port);
      }
    }
    const next = spec.ports === undefined ? spec : { ...spec, ports };
    return this.withHealthPort(next, work, problems);
  }

  private withHealthPort(spec: ServiceSpec, work: ClaimWork, problems: Problems): ServiceSpec {
    if (!needsHealthCheckPort(spec)) return spec;
    const wanted = spec.healthCheckNodePort ?? 0;
    if (wanted === 0) {
      return { ...spec, healthCheckNodePort: this.nextPort(`${work.owner}/health`, work) };
    }
    const reason = this.takePort(wanted, work);
    if (reason !== undefined) problems.invalid('spec.healthCheckNodePort', wanted, reason);
    return spec;
  }

  private takePort(port: number, work: ClaimWork): string | undefined {
    const { first, last } = this.nodePortRange;
    if (port < first || port > last) {
      return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    }
    return work.take(this.ports, String(port)) ? undefined : 'provided port is already allocated';
  }

  private nextPort(seed: string, work: ClaimWork): number {
    // Node ports of instances side by side are at one address: starting from the range keeps them apart.
    const port = work.takeNext(this.ports, `${this.addresses.texts[0] ?? ''} ${seed}`);
    const { first, last } = this.nodePortRange;
    if (port === undefined) throw full('a nodePort', `${first}-${last}`);
    return Number(port);
  }
}

interface FillContext {
  readonly old: ServiceSpec | undefined;
  readonly work: ClaimWork;
  readonly problems: Problems;
}

function full(what: string, range: string): ApiError {
  return new ApiError(
    'InternalError',
    `Internal error occurred: failed to allocate ${what}: range is full`,
    { remedy: `Delete Services that are no longer needed, or use a range larger than ${range}` },
  );
}
