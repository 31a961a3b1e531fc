/** What this driver can do, as data: whoever composes looks here, never at the driver's name. */
import { schedulerNames, type DriverCapabilities } from '../../model/index.ts';

export const userspaceCapabilities: DriverCapabilities = {
  // It calls the specification's own `pick`, so it can do whatever that can.
  schedulers: schedulerNames,
  protocols: ['TCP'],
};
