/** `switchyard lint` as a script uses it: the whole answer through a pipe, and the exit code. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { run, temporaryFolder } from '../support/program.ts';
import { root } from '../support/tree.ts';

const service = (name: string, port: number): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ port: ${port} }] }`;

test('an answer larger than a pipe arrives whole', async (t) => {
  const folder = temporaryFolder(t);
  const many = Array.from({ length: 500 }, (_, i) => service(`s${i}`, 80)).join('\n---');
  writeFileSync(join(folder, 'many.yaml'), many);
  const command = [process.execPath, 'src/app/main.ts', 'lint', folder, '-o', 'json'];
  const { status, stdout } = await run(t, command, { cwd: root });
  assert.ok(stdout.length > 100_000, String(stdout.length));
  const report = JSON.parse(stdout) as { objects: number; warnings: number; errors: number };
  assert.deepEqual([status, report.objects, report.warnings, report.errors], [0, 500, 500, 0]);
});

test('an error is exit code 1, and so is a warning when asked', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'bad.yaml'), service('web', 0));
  writeFileSync(join(folder, 'fair.yaml'), service('web', 80));
  const lint = async (...args: readonly string[]): Promise<number | undefined> => {
    const command = [process.execPath, join(root, 'src/app/main.ts'), 'lint', ...args];
    return (await run(t, command, { cwd: folder })).status;
  };
  assert.equal(await lint('bad.yaml'), 1);
  assert.equal(await lint('fair.yaml'), 0);
  assert.equal(await lint('fair.yaml', '--strict'), 1);
});
