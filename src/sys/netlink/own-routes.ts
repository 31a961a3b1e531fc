/**
 * Routes that are Switchyard's, and no others: each bears a number of ours as its maker, so that the next process finds
 * what a killed one left.
 */
import {
  addressMessage,
  netlinkProtocols,
  readRoute,
  routeMessage,
  routesQuery,
  type RouteSpec,
} from '../../codec/netlink/index.ts';
import { formatCidr, formatIp, parseCidr, type Cidr } from '../../model/index.ts';
import { isNotFound, NetlinkError } from './errors.ts';
import { ownProtocol } from './own-number.ts';
import { listOwnLinks, removeOwnLinks } from './pod-links.ts';
import type { NetlinkSocket, OpenNetlink } from './socket.ts';

const loopback = 1;

export class OwnRoutes {
  private readonly socket: NetlinkSocket;

  /** Of this process's network namespace. */
  constructor(open: OpenNetlink) {
    this.socket = open({ protocol: netlinkProtocols.route, groups: 0 });
  }

  /** One of ours that is there already is as good. Throws NETLINK_EXISTS when it is somebody else's. */
  add(spec: RouteSpec): void {
    if (this.list().some((own) => isSame(own, spec))) return;
    const bytes = routeMessage('add', spec, ownProtocol);
    this.socket.request(`add a route to ${formatCidr(spec.range)}`, bytes);
  }

  list(): readonly RouteSpec[] {
    return this.socket.request('list routes', routesQuery()).flatMap((message) => {
      const { destination, prefix, kind, protocol, device } = readRoute(message);
      if (protocol !== ownProtocol || kind === 'other' || device > loopback) return [];
      const range = parseCidr(`${formatIp(destination)}/${prefix}`);
      return range === undefined ? [] : [{ range, kind }];
    });
  }

  /** Of the loopback device. One that is there already is as good: nobody else has addresses of our ranges. */
  addAddress(address: Cidr): void {
    try {
      this.socket.request(`add the address ${formatCidr(address)}`, addressMessage('add', address));
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }

  /** False when it was not there. */
  removeAddress(address: Cidr): boolean {
    const what = `remove the address ${formatCidr(address)}`;
    try {
      this.socket.request(what, addressMessage('delete', address));
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
  }

  /** Devices of Pods, by name. */
  links(): readonly string[] {
    return listOwnLinks(this.socket).map(({ name }) => name);
  }

  /** Devices of Pods that are gone or of a process that is; their names. */
  removeLinks(): readonly string[] {
    return removeOwnLinks(this.socket);
  }

  /** The ranges it has removed routes to: all of ours through the loopback device, those wanted aside. */
  removeAll(wanted: readonly RouteSpec[] = []): readonly string[] {
    const own = this.list().filter((spec) => !wanted.some((one) => isSame(one, spec)));
    for (const spec of own) {
      const what = `remove the route to ${formatCidr(spec.range)}`;
      try {
        this.socket.request(what, routeMessage('delete', spec, ownProtocol));
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return own.map(({ range }) => formatCidr(range));
  }

  close(): void {
    this.socket.close();
  }
}

export function isTaken(error: unknown): boolean {
  return error instanceof NetlinkError && error.code === 'NETLINK_EXISTS';
}

/** The kernel's EADDRNOTAVAIL, or that there is no such family. */
function isAbsent(error: unknown): boolean {
  return error instanceof NetlinkError && error.code !== 'NETLINK_NOT_PERMITTED';
}

function isSame(a: RouteSpec, b: RouteSpec): boolean {
  return a.kind === b.kind && formatCidr(a.range) === formatCidr(b.range);
}
