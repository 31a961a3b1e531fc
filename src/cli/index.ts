/** The command line. */
export { cliErrors } from './errors.ts';
export type {
  CleanupOptions,
  CliDeps,
  CliEnv,
  CliIo,
  ClusterRunOptions,
  DnsRunOptions,
  FromCluster,
  GatewayRunOptions,
  ObjectsPlace,
  ProxyRunOptions,
  ServedPlace,
  UpOptions,
} from './io.ts';
export { runCli } from './run-cli.ts';
export { printResult } from './output.ts';
export type { OutputFormat } from './output.ts';
export { paintFor } from './paint.ts';
export { topView } from './render/top.ts';
export { TopScreen } from './top-screen.ts';
