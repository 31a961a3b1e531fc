/** The reasons, in words: why a Service works or does not, and where a connection goes. */
export { explainFlow } from './explain-flow.ts';
export type { FlowQuestion } from './explain-flow.ts';
export { explainRequest } from './explain-request.ts';
export type { RequestExplanation } from './explain-request.ts';
export { explainService } from './explain-service.ts';
export type {
  CandidateView,
  DecisionView,
  Explanation,
  ExplanationStep,
  Finding,
  FlowExplanation,
  HealthVerdict,
  ServiceExplanation,
  Subject,
} from './explanation.ts';
export { formatExplanation } from './format-explanation.ts';
export { reasons } from './reasons.ts';
export type { ReasonCode } from './reasons.ts';
export type { SchedulerUse, ServiceQuestion, World } from './world.ts';
