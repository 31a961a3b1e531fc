/** A host that lacks the same things every time, for the golden files of the command line. */
import type { CliDeps } from '../io.ts';

export const fakeDoctor: CliDeps['doctor'] = async (names) => ({
  checks: [
    { id: 'node', title: 'Node', state: 'fine', found: '26.10.0' },
    {
      id: 'low-ports',
      title: 'Ports below 1024',
      state: 'worse',
      found: 'Cannot listen at 127.0.0.1:953: permission denied',
      costs: 'port P of a Service is reached at P + 8000',
      remedy: 'sudo sysctl -w net.ipv4.ip_unprivileged_port_start=0',
    },
    ...(names === undefined
      ? [
          {
            id: 'loopback',
            title: 'Addresses of 127/8',
            state: 'broken',
            found: 'there is no loopback',
            costs: 'everything',
            remedy: 'ip link set lo up',
          } as const,
        ]
      : []),
  ],
  resolvers:
    names === undefined
      ? []
      : [{ resolver: 'dnsmasq', apply: [`server=/cluster.local/${names}`], undo: ['remove it'] }],
});
