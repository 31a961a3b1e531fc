/** The codes of every room, by whose fault they are: exit codes rest on it. */
import { cliErrors } from '../cli/index.ts';
import { clusterErrors } from '../cluster/index.ts';
import { controlErrors } from '../control/index.ts';
import { nftablesErrors } from '../drivers/nftables/index.ts';
import { userspaceErrors } from '../drivers/userspace/index.ts';
import { apiErrors } from '../kube/index.ts';
import { labErrors } from '../lab/index.ts';
import { manifestErrors } from '../manifests/index.ts';
import type { ErrorTable } from '../model/index.ts';
import { nodeErrors } from '../node/index.ts';
import { sysErrors } from '../sys/index.ts';
import { ffiErrors } from '../sys/ffi/index.ts';
import { httpErrors } from '../sys/http/index.ts';
import { handoverErrors } from '../sys/handover/index.ts';
import { localErrors, netErrors } from '../sys/net/index.ts';
import { netlinkErrors } from '../sys/netlink/index.ts';
import { appErrors } from './errors.ts';

export const errorTables: readonly ErrorTable[] = [
  apiErrors,
  appErrors,
  cliErrors,
  clusterErrors,
  controlErrors,
  ffiErrors,
  httpErrors,
  handoverErrors,
  labErrors,
  localErrors,
  manifestErrors,
  netErrors,
  netlinkErrors,
  nftablesErrors,
  nodeErrors,
  sysErrors,
  userspaceErrors,
];
