/** What this host lacks, what that costs and how to get it; and how resolvers are pointed at us. */
export { runChecks } from './check.ts';
export type { Check, CheckedView, Finding } from './check.ts';
export { hostChecks } from './host-checks.ts';
export { kernelChecks } from './kernel-checks.ts';
export type { KernelView } from './kernel-checks.ts';
export { adviseResolvers } from './resolver-advice.ts';
export type { ResolverAdvice } from './resolver-advice.ts';
