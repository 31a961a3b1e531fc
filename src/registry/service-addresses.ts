/**
 * Keeps an IPAddress for every address that a Service holds, as the real API server does, so that who asks for
 * IPAddresses sees what is given out. They are stored objects: see docs/decisions/0005-objects.md.
 */
import {
  apiVersionOf,
  ipAddressKind,
  ipAllocator,
  isAlreadyExists,
  isNotFound,
  labels,
  serviceKind,
  type IpAddress,
  type ObjectClient,
  type Service,
} from '../kube/index.ts';
import { canonicalIp, familyOf } from '../model/index.ts';
import type { AddressRanges } from './address-ranges.ts';
import { keepAddress } from './ip-address.ts';

export class ServiceAddresses {
  private readonly store: ObjectClient;

  constructor(store: ObjectClient) {
    this.store = store;
  }

  /** `before` is the Service as it was stored; undefined when it is new. */
  async follow(service: Service, before: Service | undefined): Promise<void> {
    const held = addressesOf(before);
    const now = addressesOf(service);
    await Promise.all([
      ...now.filter((one) => !held.includes(one)).map((one) => this.make(one, service)),
      ...held.filter((one) => !now.includes(one)).map((one) => this.remove(one)),
    ]);
  }

  async forget(service: Service): Promise<void> {
    for (const address of addressesOf(service)) await this.remove(address);
  }

  /** Makes what is missing, takes away what nobody holds and marks what others keep, after a start. */
  async repair(ranges: AddressRanges): Promise<void> {
    const { items: services } = await this.store.list(serviceKind);
    const { items: known } = await this.store.list(ipAddressKind);
    const missing = new Map(
      services.flatMap((service) =>
        addressesOf(service).map((address) => [address, service] as const),
      ),
    );
    for (const address of known) {
      const { metadata } = address;
      const isHeld = missing.delete(metadata.name);
      const isOurs = metadata.labels?.[labels.ipAddressManagedBy] === ipAllocator;
      if (isOurs && !isHeld) await this.remove(metadata.name);
      if (!isOurs && !isHeld) keepAddress(address, ranges);
    }
    for (const [address, service] of missing) await this.make(address, service);
  }

  private async make(address: string, { metadata }: Service): Promise<void> {
    const { name, namespace } = metadata;
    const object: IpAddress = {
      apiVersion: apiVersionOf(ipAddressKind),
      kind: 'IPAddress',
      metadata: {
        name: address,
        labels: {
          [labels.ipAddressFamily]: familyOf(address),
          [labels.ipAddressManagedBy]: ipAllocator,
        },
      },
      spec: {
        parentRef: {
          group: '',
          resource: 'services',
          ...(namespace === undefined ? {} : { namespace }),
          name,
        },
      },
    };
    try {
      await this.store.create(ipAddressKind, object);
    } catch (thrown) {
      // A Service that goes and comes at once.
      if (!isAlreadyExists(thrown)) throw thrown;
    }
  }

  private async remove(name: string): Promise<void> {
    try {
      await this.store.delete(ipAddressKind, { name }, { gracePeriodSeconds: 0 });
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
  }
}

function addressesOf(service: Service | undefined): readonly string[] {
  return (service?.spec?.clusterIPs ?? []).flatMap((text) => canonicalIp(text) ?? []);
}
