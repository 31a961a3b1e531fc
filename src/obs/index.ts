/** What the rooms tell the outside: log lines and component states. */
export type { Component, ComponentStatus } from './component.ts';
export { createLogger, logLevels, silentLogger } from './logger.ts';
export type { LogFields, Logger, LogLevel } from './logger.ts';
export type { MetricFamily, MetricSample } from './metric-family.ts';
