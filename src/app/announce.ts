/** What `up` says when it serves: where things answer, what to try, and for the demo a first spread of each. */
import { paintFor, printResult, type CliIo, type OutputFormat } from '../cli/index.ts';
import type { ControlSource, ServicePortView } from '../control/index.ts';
import { showDemo } from './demo-tour.ts';
import type { Up } from './up.ts';
import { programName, version } from './version.ts';

export interface AnnounceOptions {
  readonly io: CliIo;
  readonly output: OutputFormat;
  readonly demo: boolean;
  readonly signal: AbortSignal;
}

const everything = { namespace: undefined, name: undefined };

/** The last line begins with `Ready`: whoever reads our output knows by it that everything serves. */
export async function announce({ instance, source }: Up, options: AnnounceOptions): Promise<void> {
  const { io, output, demo, signal } = options;
  const services = source.services(everything);
  if (output === 'json') {
    io.stdout.write(`${JSON.stringify({ ...source.instance(), services }, undefined, 2)}\n`);
    return;
  }
  const bold = (text: string): string => paintFor(io.stdout, io.env)('bold', text);
  const { driver } = source.instance();
  io.stdout.write(`${bold(`Switchyard ${version}`)}, instance ${instance}, ${driver} driver\n\n`);
  if (demo) await showDemo(source, io, signal);
  else showServices(source, io);
  const tries = suggestions(source, demo ? 'web' : undefined);
  if (tries.length > 0) io.stdout.write(`\n${bold('Try')}\n${tries.join('')}`);
  io.stdout.write('\nReady. Ctrl-C stops everything.\n');
}

function showServices(source: ControlSource, io: CliIo): void {
  const services = source.services(everything);
  if (services.length === 0) io.stdout.write('No Service is forwarded yet.\n');
  else printResult({ kind: 'services', items: services, asked: everything }, 'text', io);
}

/** Commands for a Service that answers, the named one first, ready to be copied. */
function suggestions(source: ControlSource, preferred: string | undefined): readonly string[] {
  const answering = source
    .services(everything)
    .filter(({ frontends }) => frontends.some((f) => f.reachable.length > 0));
  const service = answering.find(({ name }) => name === preferred) ?? answering[0];
  const target = service === undefined ? undefined : firstReachable(service);
  if (service === undefined || target === undefined) return [];
  const name =
    service.namespace === 'default' ? service.name : `${service.namespace}/${service.name}`;
  const lines = [
    [`curl http://${target}`, 'again and again: each call reaches the next backend'],
    [
      `${programName} spread service ${name} -n 300`,
      'opens 300 connections and counts who got them',
    ],
    [`${programName} get endpoints`, 'what is behind each Service, with live counts'],
    [`${programName} --help`, 'everything else'],
  ] as const;
  const width = Math.max(...lines.map(([command]) => command.length));
  return lines.map(([command, what]) => `  ${command.padEnd(width)}   ${what}\n`);
}

function firstReachable({ frontends }: ServicePortView): string | undefined {
  return frontends.flatMap((frontend) => frontend.reachable)[0];
}
