/** Our numbers and offsets against the C compiler's own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'node:test';
import {
  constants,
  epollEventLayout,
  errnos,
  layouts,
  netlinkConstants,
  supportedArchitectures,
} from './layout.ts';

const headers = [
  'errno',
  'fcntl',
  'stdio',
  'stddef',
  'netinet/in',
  'netinet/tcp',
  'linux/netlink',
  'sched',
  'sys/epoll',
  'sys/mount',
  'sys/socket',
  'sys/syscall',
  'sys/un',
];

/** Ours, by the C expression that must come to the same. */
function ours(): Record<string, number> {
  const all: Record<string, number> = { ...constants, ...netlinkConstants, ...errnos };
  const structures = { ...layouts, epoll_event: epollEventLayout(process.arch) };
  for (const [name, fields] of Object.entries(structures)) {
    for (const [field, offset] of Object.entries(fields)) {
      const c = field === 'size' ? `sizeof(struct ${name})` : `offsetof(struct ${name}, ${field})`;
      all[c] = offset;
    }
  }
  return all;
}

function program(expressions: readonly string[]): string {
  const lines = expressions.map((e) => `  printf("%s=%lld\\n", "${e}", (long long)(${e}));`);
  const includes = headers.map((name) => `#include <${name}.h>`);
  // These are younger than some C libraries' headers.
  const young =
    '#ifndef IP_BIND_ADDRESS_NO_PORT\n#define IP_BIND_ADDRESS_NO_PORT 24\n#endif\n' +
    '#ifndef SYS_pidfd_open\n#define SYS_pidfd_open 434\n#endif';
  return ['#define _GNU_SOURCE', ...includes, young, 'int main(void) {', ...lines, '}', ''].join(
    '\n',
  );
}

/** Undefined where it cannot be asked. */
function compilersAnswer(): Map<string, number> | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-layout-'));
  try {
    const source = join(folder, 'layout.c');
    writeFileSync(source, program(Object.keys(ours())));
    execFileSync('cc', ['-o', join(folder, 'layout'), source], { stdio: 'pipe' });
    const lines = execFileSync(join(folder, 'layout'), { encoding: 'utf8' }).trim().split('\n');
    return new Map(
      lines.map((line): [string, number] => {
        const [name = '', value = ''] = line.split('=');
        return [name, Number(value)];
      }),
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('every number and offset is the C compiler’s', (t) => {
  if (process.platform !== 'linux') return t.skip('the numbers are those of Linux');
  if (!supportedArchitectures.includes(process.arch)) return t.skip(`not for ${process.arch}`);
  const theirs = compilersAnswer();
  if (theirs === undefined) return t.skip('no C compiler here');
  for (const [expression, value] of Object.entries(ours())) {
    // EPOLLET is the sign bit of an int.
    assert.equal((theirs.get(expression) ?? Number.NaN) >>> 0, value, expression);
  }
});

test('the event is packed on x86-64 alone', () => {
  assert.deepEqual(epollEventLayout('x64'), { events: 0, data: 4, size: 12 });
  assert.deepEqual(epollEventLayout('arm64'), { events: 0, data: 8, size: 16 });
});
