/** The controllers of an instance that holds its objects itself, in the order they start. */
import {
  createEndpointSliceController,
  createEventExpiry,
  createGarbageCollector,
  createNamespaceController,
  createWorkloadControllers,
} from '../controllers/index.ts';
import type { ObjectClient } from '../kube/index.ts';
import type { Clock, Random } from '../model/index.ts';
import type { Component, Logger } from '../obs/index.ts';

export interface ControllerParts {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
}

export function createControllers(
  parts: ControllerParts,
  logOf: (component: string) => Logger,
): readonly Component[] {
  return [
    createEndpointSliceController({ ...parts, log: logOf('endpointslices') }),
    createWorkloadControllers({ ...parts, log: logOf('workloads') }),
    createNamespaceController({ ...parts, log: logOf('namespaces') }),
    createEventExpiry({ ...parts, log: logOf('events') }),
    createGarbageCollector({ ...parts, log: logOf('garbage-collector') }),
  ];
}
