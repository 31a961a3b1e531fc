/** What in a set of manifests will not do what it says. */
export type { Finding } from './finding.ts';
export { lintManifests } from './lint.ts';
export type { LintReport } from './lint.ts';
export { rules } from './rules.ts';
