/** Decisions a second for one Flow after another, at 10 and at 10,000 Services: the cost must not grow with them. */
import { Bench } from 'tinybench';
import { decide } from '../src/model/index.ts';
import { testEndpoints, testFlow, testPlan, testServer } from '../src/model/testing.ts';
import { printBench } from './report.ts';

export async function run(): Promise<void> {
  const bench = new Bench({ time: 1_000 });
  const endpoints = testEndpoints(10);
  for (const services of [10, 10_000]) {
    const addresses = Array.from(
      { length: services },
      (_, i) => `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
    );
    const plan = testPlan(
      addresses.map((address, i) =>
        testServer({
          name: `s-${i}`,
          endpoints,
          frontends: [{ kind: 'clusterIP', address, port: 80 }],
        }),
      ),
    );
    const flows = Array.from({ length: 1_024 }, (_, i) =>
      testFlow({ destination: addresses[(i * 7_919) % services] ?? '' }),
    );
    let at = 0;
    bench.add(`${services} Services`, () => {
      const flow = flows[at++ & 1_023];
      if (flow === undefined || decide(plan, flow).kind !== 'forward')
        throw new Error('not forwarded');
    });
  }
  await bench.run();
  printBench(bench);
}
