/** An audit says nothing when all is well, and names whatever hands have done to the tables with `nft`. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { namespacesMissing } from '../conformance/index.ts';
import { oneOfEach } from './one-of-each.suite.ts';

interface Damage {
  /** What `nft` is told; `$4` and `$6` stand for the tables. */
  readonly done: string;
  /** The Service it is of; undefined: nobody's. */
  readonly server?: string;
  readonly object: RegExp;
  readonly found: RegExp | undefined;
  readonly expected: RegExp | undefined;
}

const plain = 'pool-default/plain/tcp-cluster';
const damages: Readonly<Record<string, Damage>> = {
  'a Service that is not there': {
    done: 'delete element $4 services { 10.96.0.1 . tcp . 80 }',
    server: 'default/plain',
    object: /^table ip switchyard, set services, element 10\.96\.0\.1 \. tcp \. 80$/,
    found: undefined,
    expected: /^jump pool-default\/plain\/tcp-cluster$/,
  },
  'a Service that leads elsewhere': {
    done: 'delete element $4 services { 10.96.0.1 . tcp . 80 }; add element $4 services { 10.96.0.1 . tcp . 80 : drop }',
    server: 'default/plain',
    object: /services, element 10\.96\.0\.1/,
    found: /^drop$/,
    expected: /^jump/,
  },
  'a Service nobody has': {
    done: 'add element $4 services { 10.96.9.9 . udp . 53 : drop }',
    object: /services, element 10\.96\.9\.9 \. udp \. 53$/,
    found: /^drop$/,
    expected: undefined,
  },
  'a NodePort that is not there': {
    done: 'delete element $4 node-ports { tcp . 30080 }',
    server: 'default/node-port',
    object: /set node-ports, element tcp \. 30080$/,
    found: undefined,
    expected: /^jump pool-default\/node-port/,
  },
  'a NodePort nobody has': {
    done: 'add element $4 node-ports { tcp . 31999 : accept }',
    object: /set node-ports, element tcp \. 31999$/,
    found: /^accept$/,
    expected: undefined,
  },
  'a slot that is not there': {
    done: 'delete element $4 slots { 0x1 }',
    server: 'default/chance',
    object: /set slots, element 0x1$/,
    found: undefined,
    expected: /^10\.244\./,
  },
  'a slot with another endpoint': {
    done: 'delete element $4 slots { 0x2 }; add element $4 slots { 0x2 : 10.9.9.9 . 99 }',
    server: 'default/chance',
    object: /set slots, element 0x2$/,
    found: /^10\.9\.9\.9 \. 99$/,
    expected: /^10\.244\./,
  },
  'a pool that chooses nothing': {
    done: `flush chain $4 ${plain}`,
    server: 'default/plain',
    object: /chain pool-default\/plain\/tcp-cluster, rule 1$/,
    found: undefined,
    expected: /^numgen/,
  },
  'a pool that chooses otherwise': {
    done: `flush chain $4 ${plain}; add rule $4 ${plain} ct mark set numgen inc mod 5 offset 9`,
    server: 'default/plain',
    object: /chain pool-default\/plain\/tcp-cluster, rule 1$/,
    found: /modulus 5 offset 9/,
    expected: /modulus 2/,
  },
  'a rule more in a pool': {
    done: 'add rule $4 pool-default/weights/tcp-cluster counter',
    server: 'default/weights',
    object: /chain pool-default\/weights\/tcp-cluster, rule 2$/,
    found: /^counter$/,
    expected: undefined,
  },
  'a rule twice': {
    done: 'add rule $4 firewall-default/balanced/tcp drop',
    server: 'default/balanced',
    object: /chain firewall-default\/balanced\/tcp$/,
    found: /^\d rules$/,
    expected: /^\d rules$/,
  },
  'a rule we cannot read': {
    done: 'add rule $4 services log prefix hello',
    object: /chain services, rule/,
    found: /^a rule of somebody else/,
    expected: undefined,
  },
  'a rule before ours that drops': {
    done: 'insert rule $4 filter-input ip saddr 10.0.0.1 drop',
    object: /chain filter-input, rule 1$/,
    found: /drop$/,
    expected: undefined,
  },
  'a chain of somebody': {
    done: 'add chain $4 mine',
    object: /chain mine$/,
    found: /^no hook$/,
    expected: undefined,
  },
  'a set of somebody': {
    done: 'add set $4 mine { type ipv4_addr; }',
    object: /set mine$/,
    found: /^keys of 4 bytes$/,
    expected: undefined,
  },
  'a policy that drops': {
    done: 'add chain $4 filter-forward { type filter hook forward priority 0; policy drop; }',
    object: /chain filter-forward$/,
    found: /policy drop$/,
    expected: /^filter forward priority 0$/,
  },
  'a hook without rules': {
    done: 'flush chain $4 nat-postrouting',
    object: /chain nat-postrouting, rule 1$/,
    found: undefined,
    expected: /./,
  },
  'source ranges that let everybody in': {
    done: 'flush chain $4 firewall-default/balanced/tcp',
    server: 'default/balanced',
    object: /chain firewall-default\/balanced\/tcp, rule 1$/,
    found: undefined,
    expected: /return$/,
  },
  'a frontend without its source ranges': {
    done: 'delete element $4 firewall { 203.0.113.1 . tcp . 80 }',
    server: 'default/balanced',
    object: /set firewall, element 203\.0\.113\.1/,
    found: undefined,
    expected: /^goto firewall-default\/balanced/,
  },
  'a NodePort that is not masqueraded': {
    done: 'delete element $4 masquerade-node-ports { tcp . 30080 }',
    server: 'default/node-port',
    object: /set masquerade-node-ports, element tcp \. 30080$/,
    found: undefined,
    expected: /^goto masquerade$/,
  },
  'an empty Service that is not refused': {
    done: 'delete element $4 no-endpoints { 10.96.0.13 . tcp . 80 }',
    server: 'default/empty',
    object: /set no-endpoints, element 10\.96\.0\.13/,
    found: undefined,
    expected: /^goto reject$/,
  },
  'a Pod that does not reach itself': {
    done: 'delete element $4 hairpin { 10.244.1.2 . 10.244.1.2 }',
    object: /set hairpin, element 10\.244\.1\.2 \. 10\.244\.1\.2$/,
    found: undefined,
    expected: /^there$/,
  },
  'an address that is not the node': {
    done: 'add element $4 node-ips { 9.9.9.9 }',
    object: /set node-ips, element 9\.9\.9\.9$/,
    found: /^there$/,
    expected: undefined,
  },
  'an address where NodePorts do not answer': {
    done: 'delete element $4 node-port-ips { 192.0.2.1 }',
    object: /set node-port-ips, element 192\.0\.2\.1$/,
    found: undefined,
    expected: /^there$/,
  },
  'a Service range that is not ours': {
    done: 'add element $4 service-ranges { 10.200.0.0/16 }',
    object: /set service-ranges, element 10\.200\.0\.0/,
    found: /^there$/,
    expected: undefined,
  },
  'a client that loses its endpoint': {
    done: 'delete element $4 members-cluster { 0x40000000 }',
    server: 'default/sticky',
    object: /set members-cluster, element 0x40000000$/,
    found: undefined,
    expected: /^there$/,
  },
  'an IPv6 Service that is not there': {
    done: 'delete element $6 services { fd96::1 . tcp . 80 }',
    server: 'default/six',
    object: /^table ip6 switchyard, set services, element fd96::1 \. tcp \. 80$/,
    found: undefined,
    expected: /^jump pool-default\/six/,
  },
  'a table without rules': {
    done: 'flush table $6',
    object: /^table ip6 switchyard, chain /,
    found: undefined,
    expected: /./,
  },
  'no table': {
    done: 'delete table $6',
    object: /^table ip6 switchyard$/,
    found: undefined,
    expected: /^there$/,
  },
};

test(
  'an audit names every damage, and nothing else',
  { skip: namespacesMissing('nft') },
  async (t) => {
    const { driver, plan, run } = await oneOfEach(t);
    const audit = async (): ReturnType<NonNullable<typeof driver.audit>> =>
      (await driver.audit?.()) ?? assert.fail('there is no audit');
    assert.deepEqual(await audit(), []);
    for (const [what, damage] of Object.entries(damages)) {
      await t.test(what, async () => {
        const { done, server, object, found, expected } = damage;
        // The tables as they should be, so that each damage is alone.
        await driver.apply(plan, undefined, new AbortController().signal);
        assert.deepEqual(await audit(), []);
        run('nft', done.replaceAll('$4', 'ip switchyard').replaceAll('$6', 'ip6 switchyard'));
        const deviations = await audit();
        const told = deviations.find((one) => object.test(one.object));
        assert.ok(told !== undefined, JSON.stringify(deviations, undefined, 1));
        assert.equal(told.server?.split(':')[0], server);
        matches(told.found, found);
        matches(told.expected, expected);
        assert.match(told.remedy, /nft delete table/);
      });
    }
  },
);

function matches(text: string | undefined, wanted: RegExp | undefined): void {
  if (wanted === undefined) assert.equal(text, undefined);
  else assert.match(text ?? 'undefined', wanted);
}
