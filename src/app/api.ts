/** The Kubernetes API of an instance: where it listens and what it serves. */
import { randomUUID } from 'node:crypto';
import { createApiServer, type ApiServer, type Authorization } from '../apiserver/index.ts';
import { addressInRange } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import type { AddressBlock } from './address-block.ts';
import type { Instance } from './instance.ts';
import { version } from './version.ts';

/** Kubernetes' own port first; several instances run side by side. */
const at = { address: '127.0.0.1', ports: [6443, 6444, 6445, 6446, 0] } as const;

export interface ApiOptions {
  readonly instance: Instance;
  readonly block: AddressBlock;
  readonly name: string;
  readonly folder: string;
  readonly kubeconfigOut: string | undefined;
  readonly authorization: Authorization | undefined;
  readonly log: Logger;
}

export function createApi(options: ApiOptions): ApiServer {
  const { instance, block, name, folder, kubeconfigOut, authorization, log } = options;
  return createApiServer({
    ...at,
    registry: instance.client,
    clusterIp: addressInRange(block.serviceRange, 1),
    folder,
    instance: name,
    kubeconfigOut,
    authorization,
    version,
    logs: instance.node.logs,
    clock: systemClock,
    newUid: randomUUID,
    log: log.child({ component: 'apiserver' }),
  });
}
