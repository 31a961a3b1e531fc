/** What commands return; output.ts prints it. */
import type {
  EndpointView,
  ExplainView,
  NameView,
  PlanView,
  ServiceFilter,
  ServicePortView,
  SpreadView,
  WorkloadView,
} from '../control/index.ts';

import type { DoctorView } from './io.ts';

export type CommandResult =
  | {
      readonly kind: 'services';
      readonly items: readonly ServicePortView[];
      readonly asked: ServiceFilter;
    }
  | {
      readonly kind: 'endpoints';
      readonly items: readonly EndpointView[];
      readonly asked: ServiceFilter;
    }
  | { readonly kind: 'plan'; readonly plan: PlanView }
  | { readonly kind: 'spread'; readonly view: SpreadView }
  | { readonly kind: 'explanation'; readonly view: ExplainView }
  | { readonly kind: 'name'; readonly view: NameView }
  | { readonly kind: 'doctor'; readonly view: DoctorView }
  | { readonly kind: 'workload'; readonly view: WorkloadView }
  /** It ran and said what it had to say itself. */
  | { readonly kind: 'ended'; readonly exitCode: number };
