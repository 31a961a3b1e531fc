/** What Switchyard wants of any host, each with its cost when it is missing and the way to get it. */
import { CodedError } from '../model/index.ts';
import { findProgram, hostFacts, readText } from '../sys/index.ts';
import { loadLibc } from '../sys/ffi/index.ts';
import { listenStreams } from '../sys/net/index.ts';
import { fine, type Check, type Finding } from './check.ts';

const oldestNode = 26;
const wantedDescriptors = 4_096;
const wantedWatches = 8_192;
const lowPort = 953;

export const hostChecks: readonly Check[] = [
  { id: 'node', title: 'Node', look: checkNode },
  { id: 'koffi', title: 'C library through koffi', platforms: ['linux'], look: checkKoffi },
  { id: 'loopback', title: 'Addresses of 127/8', look: checkLoopback },
  { id: 'ipv6', title: 'IPv6 loopback', look: checkIpv6 },
  { id: 'low-ports', title: 'Ports below 1024', look: checkLowPorts },
  { id: 'descriptors', title: 'Open files', platforms: ['linux'], look: checkDescriptors },
  { id: 'inotify', title: 'Watched files', platforms: ['linux'], look: checkInotify },
  { id: 'cgroup', title: 'Control groups', platforms: ['linux'], look: checkCgroup },
  program('curl', {
    costs: 'the commands shown to try cannot be copied as they are',
    remedy: 'apt-get install curl',
  }),
  program('kubectl', {
    costs: 'objects are changed by manifests and switchyard alone',
    remedy: 'install kubectl as its own documentation says',
  }),
];

async function checkNode(): Promise<Finding> {
  const { nodeVersion } = hostFacts();
  if (Number.parseInt(nodeVersion, 10) >= oldestNode) return fine(nodeVersion);
  return {
    state: 'broken',
    found: nodeVersion,
    costs: 'Switchyard does not start',
    remedy: 'run npm start in the checkout: it brings its own Node',
  };
}

async function checkKoffi(): Promise<Finding> {
  try {
    await loadLibc();
    return fine('sockets and epoll can be called');
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown;
    return {
      state: 'worse',
      found: thrown.message,
      costs: 'the epoll engine; connections cost about twice the processor time',
      remedy: thrown.remedy ?? 'run npm ci where the package koffi can be had',
    };
  }
}

async function checkLoopback(): Promise<Finding> {
  const problem = await cannotListen('127.53.53.53', 0);
  if (problem === undefined) return fine('can be listened at');
  return {
    state: 'worse',
    found: problem,
    costs: 'Services share 127.0.0.1 and are told apart by port; Pods too',
    remedy: 'sudo ifconfig lo0 alias 127.53.53.53 (each address that is wanted), or use Linux',
  };
}

async function checkIpv6(): Promise<Finding> {
  const problem = await cannotListen('::1', 0);
  if (problem === undefined) return fine('can be listened at');
  return {
    state: 'worse',
    found: problem,
    costs: 'names and NodePorts are answered over IPv4 only',
    remedy: 'sudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0',
  };
}

async function checkLowPorts(): Promise<Finding> {
  const problem = await cannotListen('127.0.0.1', lowPort);
  // Somebody else's port 953 is as good a proof as our own.
  if (problem === undefined || problem.includes('already listens'))
    return fine('can be listened at');
  return {
    state: 'worse',
    found: problem,
    costs: 'port P of a Service is reached at P + 8000, and names not at port 53',
    remedy: 'sudo sysctl -w net.ipv4.ip_unprivileged_port_start=0',
  };
}

async function cannotListen(address: string, port: number): Promise<string | undefined> {
  try {
    const listener = await listenStreams({ address, port }, (stream) => stream.destroy());
    await listener.close();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof CodedError) return thrown.message;
    throw thrown;
  }
}

async function checkDescriptors(): Promise<Finding> {
  const row = /^Max open files\s+(\S+)/m.exec(await readText('/proc/self/limits'))?.[1] ?? '';
  const limit = row === 'unlimited' ? Infinity : Number(row);
  if (limit >= wantedDescriptors) return fine(`${row} at once`);
  return {
    state: 'worse',
    found: `${row} at once`,
    costs: `at most about ${Math.floor(limit / 2)} connections through Services at a time`,
    remedy: 'ulimit -n 65536 before switchyard up',
  };
}

async function checkInotify(): Promise<Finding> {
  const count = Number(await readText('/proc/sys/fs/inotify/max_user_watches'));
  if (count >= wantedWatches) return fine(`${count} for this user`);
  return {
    state: 'worse',
    found: `${count} for this user`,
    costs: 'changes of many manifests are not seen',
    remedy: 'sudo sysctl -w fs.inotify.max_user_watches=65536',
  };
}

async function checkCgroup(): Promise<Finding> {
  const mounts = await readText('/proc/self/mounts');
  const at = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1];
  if (at !== undefined) return fine(`version 2 at ${at}`);
  return {
    state: 'worse',
    found: 'version 2 is not mounted',
    costs: 'the ebpf driver cannot choose at connect time',
    remedy: 'boot with systemd.unified_cgroup_hierarchy=1',
  };
}

function program(
  name: string,
  missing: { readonly costs: string; readonly remedy: string },
): Check {
  const look = async (): Promise<Finding> => {
    const path = await findProgram(name);
    return path === undefined ? { state: 'worse', found: 'not on PATH', ...missing } : fine(path);
  };
  return { id: `program-${name}`, title: name, look };
}
