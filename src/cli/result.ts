/** What commands return; output.ts prints it. */
import type {
  AuditView,
  BackupView,
  EndpointView,
  ExplainView,
  InstanceView,
  NameView,
  MetricsView,
  PlanView,
  RequestView,
  ServiceFilter,
  ServicePortView,
  SpreadView,
  TrafficView,
  WorkloadView,
} from '../control/index.ts';
import type { LintReport } from '../lint/index.ts';

import type { CleanupView, DoctorView } from './io.ts';

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
      readonly limited: TrafficView['limited'];
    }
  | { readonly kind: 'plan'; readonly plan: PlanView }
  | { readonly kind: 'metrics'; readonly view: MetricsView }
  | { readonly kind: 'spread'; readonly view: SpreadView }
  | { readonly kind: 'explanation'; readonly view: ExplainView }
  | { readonly kind: 'ways'; readonly view: NonNullable<InstanceView['names']> }
  | { readonly kind: 'name'; readonly view: NameView }
  | { readonly kind: 'request'; readonly view: RequestView }
  | { readonly kind: 'doctor'; readonly view: DoctorView }
  | { readonly kind: 'workload'; readonly view: WorkloadView }
  | { readonly kind: 'cleanup'; readonly view: CleanupView }
  | { readonly kind: 'audit'; readonly view: AuditView }
  | { readonly kind: 'backup'; readonly view: BackupView }
  | { readonly kind: 'lint'; readonly report: LintReport; readonly strict: boolean }
  /** It ran and said what it had to say itself. */
  | { readonly kind: 'ended'; readonly exitCode: number };
