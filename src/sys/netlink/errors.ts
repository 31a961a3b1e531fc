/** What the kernel answers when it refuses. */
import { CodedError, type CodeOf, type ErrorTable } from '../../model/index.ts';

export const netlinkErrors = {
  user: {
    NETLINK_NOT_PERMITTED: 'The kernel wants CAP_NET_ADMIN for this',
  },
  ours: {
    NETLINK_NOT_FOUND: 'The kernel has no such object',
    NETLINK_EXISTS: 'The kernel has another object of that name already',
    NETLINK_UNSUPPORTED: 'This kernel lacks a feature, or the module for it is not loaded',
    NETLINK_BUSY: 'An object of the kernel is still in use',
    NETLINK_NO_MEMORY: 'The kernel has no memory, or no room in a buffer, for this',
    NETLINK_FAILED: 'The kernel refused for another reason',
  },
} as const satisfies ErrorTable;

export type NetlinkCode = CodeOf<typeof netlinkErrors>;

export class NetlinkError extends CodedError<NetlinkCode> {}

export function isNotFound(error: unknown): boolean {
  return error instanceof NetlinkError && error.code === 'NETLINK_NOT_FOUND';
}

export function isNotPermitted(error: unknown): boolean {
  return error instanceof NetlinkError && error.code === 'NETLINK_NOT_PERMITTED';
}

const byErrno: Readonly<Record<string, NetlinkCode>> = {
  EPERM: 'NETLINK_NOT_PERMITTED',
  EACCES: 'NETLINK_NOT_PERMITTED',
  ENOENT: 'NETLINK_NOT_FOUND',
  ESRCH: 'NETLINK_NOT_FOUND',
  EEXIST: 'NETLINK_EXISTS',
  EOPNOTSUPP: 'NETLINK_UNSUPPORTED',
  EPROTONOSUPPORT: 'NETLINK_UNSUPPORTED',
  EAFNOSUPPORT: 'NETLINK_UNSUPPORTED',
  EBUSY: 'NETLINK_BUSY',
  ENOMEM: 'NETLINK_NO_MEMORY',
  ENOBUFS: 'NETLINK_NO_MEMORY',
  EMSGSIZE: 'NETLINK_NO_MEMORY',
};

const remedies: Partial<Record<NetlinkCode, string>> = {
  NETLINK_NOT_PERMITTED: 'Run as root, or give the program CAP_NET_ADMIN',
  NETLINK_UNSUPPORTED: 'Use a kernel of 5.13 or newer with nf_tables, nft_nat and nf_conntrack',
};

/** `what` reads on from "Cannot"; `detail` is the kernel's own sentence, when it had one. */
export function netlinkError(what: string, errno: string, detail?: string): NetlinkError {
  const code = byErrno[errno] ?? 'NETLINK_FAILED';
  const why = detail === undefined ? errno : `${errno}, ${detail}`;
  return new NetlinkError(code, `Cannot ${what}: ${why}`, { remedy: remedies[code] });
}
