/** What commands return; output.ts prints it. */
import type {
  EndpointView,
  ExplainView,
  PlanView,
  ServiceFilter,
  ServicePortView,
  SpreadView,
  WorkloadView,
} from '../control/index.ts';
import type { LintReport } from '../lint/index.ts';

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
  | { readonly kind: 'workload'; readonly view: WorkloadView }
  | { readonly kind: 'lint'; readonly report: LintReport; readonly strict: boolean }
  /** It ran and said what it had to say itself. */
  | { readonly kind: 'ended'; readonly exitCode: number };
