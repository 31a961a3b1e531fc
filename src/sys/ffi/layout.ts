/**
 * Numbers and offsets of Linux's socket and epoll interface, for the two architectures it is built for here.
 * `layout.test.ts` holds every one of them against the C compiler's.
 */

export const constants = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_SEQPACKET: 5,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  IPPROTO_IP: 0,
  IPPROTO_TCP: 6,
  IPPROTO_UDP: 17,
  IPPROTO_IPV6: 41,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_ERROR: 4,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SCM_RIGHTS: 1,
  F_DUPFD_CLOEXEC: 1030,
  SYS_pidfd_open: 434,
  SO_KEEPALIVE: 9,
  SO_LINGER: 13,
  TCP_NODELAY: 1,
  TCP_KEEPIDLE: 4,
  IPV6_V6ONLY: 26,
  IP_BIND_ADDRESS_NO_PORT: 24,
  SHUT_WR: 1,
  MSG_TRUNC: 0x20,
  MSG_NOSIGNAL: 0x4000,
  MSG_CMSG_CLOEXEC: 0x40000000,
  EPOLL_CLOEXEC: 0o2000000,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLL_CTL_MOD: 3,
  EPOLLIN: 0x1,
  EPOLLOUT: 0x4,
  EPOLLERR: 0x8,
  EPOLLHUP: 0x10,
  EPOLLRDHUP: 0x2000,
  EPOLLET: 0x80000000,
} as const;

/** Of netlink sockets and of namespaces. */
export const netlinkConstants = {
  AF_NETLINK: 16,
  SOCK_RAW: 3,
  SOL_NETLINK: 270,
  NETLINK_CAP_ACK: 10,
  NETLINK_EXT_ACK: 11,
  SO_SNDBUFFORCE: 32,
  SO_RCVBUFFORCE: 33,
  MSG_DONTWAIT: 0x40,
  MSG_TRUNC: 0x20,
  CLONE_NEWNET: 0x40000000,
  CLONE_FS: 0x200,
  CLONE_NEWNS: 0x20000,
  O_PATH: 0o10000000,
  MS_BIND: 4096,
  MS_REC: 16384,
  MS_SLAVE: 1 << 19,
} as const;

/** Errors that are outcomes, not failures. */
export const errnos = {
  EINTR: 4,
  EAGAIN: 11,
  ENOMEM: 12,
  ENFILE: 23,
  EMFILE: 24,
  EPROTO: 71,
  ECONNABORTED: 103,
  ENOBUFS: 105,
  EISCONN: 106,
  ETOOMANYREFS: 109,
  EALREADY: 114,
  EINPROGRESS: 115,
} as const;

/** Byte offsets in the structures, by C's name for each; `size` is the whole structure's. */
export const layouts = {
  sockaddr_in: { sin_family: 0, sin_port: 2, sin_addr: 4, size: 16 },
  sockaddr_in6: { sin6_family: 0, sin6_port: 2, sin6_addr: 8, sin6_scope_id: 24, size: 28 },
  linger: { l_onoff: 0, l_linger: 4, size: 8 },
  sockaddr_un: { sun_family: 0, sun_path: 2, size: 110 },
  iovec: { iov_base: 0, iov_len: 8, size: 16 },
  msghdr: {
    msg_name: 0,
    msg_namelen: 8,
    msg_iov: 16,
    msg_iovlen: 24,
    msg_control: 32,
    msg_controllen: 40,
    msg_flags: 48,
    size: 56,
  },
  mmsghdr: { msg_hdr: 0, msg_len: 56, size: 64 },
  cmsghdr: { cmsg_len: 0, cmsg_level: 8, cmsg_type: 12, size: 16 },
} as const;

export interface EpollEventLayout {
  readonly events: number;
  readonly data: number;
  readonly size: number;
}

/** x86-64 packs it, so that 32-bit programs see the same; the others align the 64 bits of data. */
export function epollEventLayout(arch: string): EpollEventLayout {
  return arch === 'x64' ? { events: 0, data: 4, size: 12 } : { events: 0, data: 8, size: 16 };
}

/** Architectures whose numbers these are. */
export const supportedArchitectures: readonly string[] = ['x64', 'arm64'];
