/** Names that are always answered the same, for the golden files of the command line. */
import type { NameSource } from '../../control/index.ts';

const because = 'There is no such Service';

export const fakeNames: NameSource = {
  explain: async ({ name, namespace, type }) =>
    name === 'web.default.svc.cluster.local'
      ? {
          name,
          namespace,
          type,
          verdict: 'answered',
          answer: ['web.default.svc.cluster.local 5 A 127.83.4.9'],
          steps: [
            {
              name: `${name}.${namespace}.svc.cluster.local`,
              rcode: 'NXDOMAIN',
              rule: 'too-many-labels',
              because: 'No record has that many labels',
              notes: [],
            },
            {
              name,
              rcode: 'NOERROR',
              rule: 'cluster-ip',
              because: 'The ClusterIPs of the Service',
              notes: [],
            },
          ],
        }
      : {
          name,
          namespace,
          type,
          verdict: 'no-name',
          answer: [],
          steps: [
            {
              name: `${name}.${namespace}.svc.cluster.local`,
              rcode: 'NXDOMAIN',
              rule: 'headless-none-ready',
              because: 'The Service is headless and has no ready endpoint',
              notes: ['Pod web-2 is left out: it is not ready: probe GET /healthz gave 503'],
            },
            { name, rcode: 'NXDOMAIN', rule: 'no-service', because, notes: [] },
          ],
        },
};
