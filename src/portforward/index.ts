/** Connections to Pods over a Kubernetes API: the client's side, and the server's. */
export { createPodDialer, dialProblem } from './dialer.ts';
export type { PodDialer, PodPort } from './dialer.ts';
export { portForwardUpgrade } from './serve.ts';
export type { PortForwardTarget, PortForwardUpgrade } from './serve.ts';
export { joinTunnel } from './tunnel.ts';
export type { Tunnel } from './tunnel.ts';
