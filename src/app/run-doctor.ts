/** Runs `switchyard doctor`: the checks of every room that has some, and the advice for this host's resolvers. */
import type { CliDeps } from '../cli/index.ts';
import { adviseResolvers, hostChecks, kernelChecks, runChecks } from '../doctor/index.ts';
import { defaultZone } from '../dns/index.ts';
import { parseSocketAddress } from '../model/index.ts';
import { hostFacts } from '../sys/index.ts';
import { driverChecks } from './driver-checks.ts';

export const runDoctor: CliDeps['doctor'] = async (names) => {
  const { platform } = hostFacts();
  const dns = names === undefined ? undefined : parseSocketAddress(names);
  return {
    checks: await runChecks([...hostChecks, ...kernelChecks(), ...driverChecks()], platform),
    resolvers: dns === undefined ? [] : adviseResolvers({ zone: defaultZone.zone, dns }, platform),
  };
};
