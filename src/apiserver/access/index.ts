/** Who asks, and whether they may. */
export { Access } from './access.ts';
export type { Authorization } from './access.ts';
export type { GrantCheck } from './escalation.ts';
export { makeFirstRoles } from './bootstrap-roles.ts';
export type { Attributes } from './rules.ts';
export { apiAudience } from './tokens.ts';
