/**
 * Port 53 of the name server's own Service for a user who may not bind it: the stand-in 8053 answers, over UDP and TCP,
 * and the Service says so. In a network namespace of its own, because hosts differ in which ports they bar.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import process from 'node:process';
import { test } from 'node:test';
import { emptyHome, run, start, temporaryFolder } from '../support/program.ts';
import { root } from '../support/tree.ts';

const nobody = 65534;

test(
  'without privilege the cluster’s name server is at port 8053',
  { skip: whyNot() },
  async (t) => {
    const folder = temporaryFolder(t);
    chownSync(folder, nobody, nobody);
    const home = { cwd: root, env: emptyHome(folder) };
    const script = [
      'ip link set lo up',
      'echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start',
      `exec setpriv --reuid=${nobody} --regid=${nobody} --clear-groups ./switchyard up --demo`,
    ];
    const up = start(t, ['unshare', '--net', 'sh', '-ec', script.join('\n')], home);
    await up.printed('Ready');
    const inside = ['nsenter', '--net', '--target', String(up.pid)];
    const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
    const get = ['./switchyard', 'get', 'services', 'kube-dns', '-N', 'kube-system', '-o', 'json'];
    const { stdout } = await run(t, [...asNobody, ...get], home);
    const [, at] = /"(127\.[\d.]+):8053"/.exec(stdout) ?? assert.fail(stdout);
    for (const transport of ['udp', 'tcp']) {
      const asked = await run(
        t,
        [...inside, process.execPath, '-e', ask, `${at}`, transport],
        home,
      );
      assert.match(asked.stdout, /^NOERROR 1 127\./, `${transport}: ${asked.stderr}`);
    }
  },
);

/** One question for A of `web`, written by hand: what answers is never its own witness. */
const ask = `
const { createSocket } = require('node:dgram');
const { connect } = require('node:net');
const [, at, transport] = process.argv;
const name = Buffer.concat('web.default.svc.cluster.local'.split('.').map((label) =>
  Buffer.concat([Buffer.of(label.length), Buffer.from(label)])));
const query = Buffer.concat([Buffer.of(0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0), name, Buffer.of(0, 0, 1, 0, 1)]);
const tell = (m) => {
  const rcode = (m[3] & 15) === 0 ? 'NOERROR' : m[3] & 15;
  console.log(rcode, m.readUInt16BE(6), [...m.subarray(-4)].join('.'));
  process.exit();
};
if (transport === 'udp') createSocket('udp4').on('message', tell).send(query, 8053, at);
else {
  const socket = connect(8053, at, () => socket.write(Buffer.concat([Buffer.of(0, query.length), query])));
  socket.on('data', (bytes) => tell(bytes.subarray(2)));
}
setTimeout(() => process.exit(1), 5000);
`;

function whyNot(): string | false {
  if (process.platform !== 'linux') return 'needs network namespaces, which only Linux has';
  if (process.getuid?.() !== 0) return 'needs root, to become nobody in a network namespace';
  const tried = 'ip link set lo up && setpriv --reuid=65534 true && command -v nsenter';
  const { status } = spawnSync('unshare', ['--net', 'sh', '-ec', tried]);
  return status === 0 ? false : 'needs unshare, nsenter, setpriv and ip, and may not or has not';
}
