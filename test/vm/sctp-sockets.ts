/** SCTP through the C library, as one stream a connection: sockets of Node do not speak it. One thread, no waiting. */
import { familyOf, type SocketAddress } from '../../src/model/index.ts';
import {
  decodeSocketAddress,
  encodeSocketAddress,
  loadLibc,
  socketAddressRoom,
  type Libc,
} from '../../src/sys/ffi/index.ts';
import { loadKoffi } from '../../src/sys/ffi/koffi.ts';

const sctp = 132;
const streamNonBlocking = 1 | 0o4000;
const cloneNewNet = 0x4000_0000;
const [refused, unconnected, again] = [-111, -107, -11];

export interface SctpSockets {
  /** What it opens is in this namespace, wherever it is used later. */
  inNamespace<T>(path: string, work: () => T): T;
  listen(at: SocketAddress): number;
  /** Answers all who have come since with a word and their address. */
  answer(listener: number, word: string): void;
  connect(from: SocketAddress, to: SocketAddress): number;
  /** What has come of a connection; undefined: nothing yet. */
  met(fd: number): string | undefined;
  close(fd: number): void;
}

export async function openSctp(): Promise<SctpSockets> {
  const libc = await loadLibc();
  const library = (await loadKoffi()).load(null);
  const socket: (family: number, type: number, protocol: number) => number = library.func(
    'int socket(int family, int type, int protocol)',
  );
  const openFile: (path: string, flags: number) => number = library.func(
    'int open(const char *path, int flags)',
  );
  const setns: (fd: number, type: number) => number = library.func('int setns(int fd, int type)');
  const enter = (path: string): void => {
    const fd = openFile(path, 0);
    if (fd < 0 || setns(fd, cloneNewNet) < 0) throw new Error(`Cannot enter ${path}`);
    libc.close(fd);
  };
  const home = openFile('/proc/self/ns/net', 0);
  const bound = (at: SocketAddress): number => {
    const fd = socket(familyOf(at.address) === 'IPv4' ? 2 : 10, streamNonBlocking, sctp);
    checked(libc, 'open a socket', fd);
    checked(libc, `bind to ${at.address}`, libc.bind(fd, encoded(at)));
    return fd;
  };
  return {
    inNamespace: (path, work) => {
      enter(path);
      try {
        return work();
      } finally {
        setns(home, cloneNewNet);
      }
    },
    listen: (at) => {
      const fd = bound(at);
      checked(libc, 'listen', libc.listen(fd, 1_000));
      return fd;
    },
    answer: (listener, word) => answer(libc, listener, word),
    connect: (from, to) => {
      const fd = bound(from);
      // A refusal by ICMP is told only to those who ask for it: IP_RECVERR, IPV6_RECVERR.
      const [level, option] = familyOf(to.address) === 'IPv4' ? [0, 11] : [41, 25];
      checked(libc, 'ask for refusals', libc.setOption(fd, level, option, 1));
      libc.connect(fd, encoded(to));
      return fd;
    },
    met: (fd) => met(libc, fd),
    close: (fd) => void libc.close(fd),
  };
}

function answer(libc: Libc, listener: number, word: string): void {
  const peer = new Uint8Array(socketAddressRoom);
  for (;;) {
    const fd = libc.accept(listener, peer);
    if (fd < 0) return;
    const said = Buffer.from(`${word}@${decodeSocketAddress(peer)?.address ?? ''}\n`);
    libc.send(fd, said, said.length);
  }
}

function met(libc: Libc, fd: number): string | undefined {
  const error = libc.takeError(fd);
  if (error === refused) return 'refused';
  if (error !== 0) return libc.nameOf(error);
  const into = new Uint8Array(256);
  const length = libc.receive(fd, into);
  if (length === again || length === unconnected) return undefined;
  return length > 0 ? String(Buffer.from(into.subarray(0, length))).trimEnd() : 'reset';
}

function encoded(at: SocketAddress): Uint8Array {
  const bytes = encodeSocketAddress(at);
  if (bytes === undefined) throw new Error(`Cannot write the address ${at.address}`);
  return bytes;
}

function checked(libc: Libc, what: string, result: number): void {
  if (result < 0) throw new Error(`Cannot ${what}: ${libc.nameOf(result)}`);
}
