/** Picks a second of every scheduler, over 10 endpoints and over 1,000, against round robin in the same run. */
import { Bench } from 'tinybench';
import {
  createSchedulerState,
  EndpointLoads,
  pick,
  pickableSchedulers,
} from '../src/model/index.ts';
import { testEndpoints, testFlow, testRandom } from '../src/model/testing.ts';
import { printBench } from './report.ts';

export async function run(): Promise<void> {
  for (const size of [10, 1_000]) {
    console.log(`${size} endpoints`);
    const candidates = testEndpoints(size).map((endpoint, i) => ({
      ...endpoint,
      weight: 1 + (i % 3),
    }));
    const flows = Array.from({ length: 256 }, (_, i) => testFlow({ source: `192.0.2.${i}` }));
    const bench = new Bench({ time: 300 });
    for (const scheduler of pickableSchedulers) {
      const random = testRandom(1);
      const loads = new EndpointLoads();
      const state = createSchedulerState(scheduler, candidates, loads, random);
      for (const endpoint of candidates) loads.answered(loads.slotOf(endpoint), 5, 0);
      let at = 0;
      bench.add(scheduler, () => {
        const flow = flows[at++ & 255];
        if (flow === undefined) throw new Error('no flow');
        pick(scheduler, state, candidates, flow, 0, random);
      });
    }
    await bench.run();
    printBench(bench);
  }
}
