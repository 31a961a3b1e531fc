/** What the kernel answers when it refuses. */
import {
  CodedError,
  type CodedErrorOptions,
  type CodeOf,
  type ErrorTable,
} from '../../model/index.ts';

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

/** Which message of a batch was refused, and where in it the kernel stumbled when it said so. */
export interface Refused {
  readonly sequence: number;
  readonly offset: number | undefined;
}

export class NetlinkError extends CodedError<NetlinkCode> {
  readonly refused: Refused | undefined;

  constructor(
    code: NetlinkCode,
    message: string,
    { refused, ...options }: CodedErrorOptions & { readonly refused?: Refused | undefined } = {},
  ) {
    super(code, message, options);
    this.refused = refused;
  }
}

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
  ENODEV: 'NETLINK_NOT_FOUND',
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

/** What the kernel said besides its number, when it did. */
export interface RefusalDetail {
  /** The kernel's own sentence. */
  readonly words?: string | undefined;
  readonly refused?: Refused | undefined;
}

/** `what` reads on from "Cannot". */
export function netlinkError(
  what: string,
  errno: string,
  { words, refused }: RefusalDetail = {},
): NetlinkError {
  const code = byErrno[errno] ?? 'NETLINK_FAILED';
  const why = words === undefined ? errno : `${errno}, ${words}`;
  return new NetlinkError(code, `Cannot ${what}: ${why}`, { remedy: remedies[code], refused });
}
