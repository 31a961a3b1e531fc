/** Who hears of each Plan that the driver has applied: what is written on Services, and who waits for Pods to be out. */
import { ReachedAtRecorder, ServiceNotices } from '../controllers/index.ts';
import type { ServiceGateway } from '../gateway/index.ts';
import type { Driver } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import type { PlannerOptions } from '../plan/index.ts';
import type { ControllerParts } from './controllers.ts';
import type { Withdrawals } from './withdrawals.ts';

export interface AfterApplyParts extends ControllerParts {
  readonly driver: Driver;
  readonly gateway: ServiceGateway;
  readonly withdrawals: Withdrawals;
  readonly logOf: (component: string) => Logger;
}

export function createAfterApply({
  driver,
  gateway,
  withdrawals,
  logOf,
  ...parts
}: AfterApplyParts): NonNullable<PlannerOptions['onApplied']> {
  const recorder = new ReachedAtRecorder({ ...parts, log: logOf('reached-at') });
  const notices = new ServiceNotices({ ...parts, driver, log: logOf('notices') });
  return ({ plan, report, delta }) => {
    gateway.follow(plan, delta);
    recorder.record(plan, report);
    notices.record({ plan, report, delta });
    withdrawals.applied();
  };
}
