/** What is measured, in Prometheus' format. */
export { formatFamilies } from './family-text.ts';
export { metricRows } from './metric-rows.ts';
export type { MetricRow } from './metric-rows.ts';
export { createMetrics } from './metrics.ts';
export type { Metrics } from './metrics.ts';
export { SyncTimes } from './sync-times.ts';
