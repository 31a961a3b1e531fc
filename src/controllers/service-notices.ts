/**
 * Tells people, by a Warning Event on the Service, once, what the driver does not do as the Service asks: another
 * scheduler stands in, a protocol is not carried, a frontend cannot be served. Costs what has changed in the Plan.
 */
import {
  createEventRecorder,
  isNotFound,
  serviceKind,
  type EventRecorder,
  type Happening,
} from '../kube/index.ts';
import {
  effectiveScheduler,
  formatSocketAddress,
  type ApplyReport,
  type Delta,
  type Driver,
  type FrontendFailure,
  type Plan,
  type ServicePortRef,
  type VirtualServer,
} from '../model/index.ts';
import type { ControllerOptions } from './mirror.ts';

export interface ServiceNoticesOptions extends ControllerOptions {
  readonly driver: Pick<Driver, 'name' | 'capabilities'>;
}

export interface AppliedPlan {
  readonly plan: Plan;
  readonly report: ApplyReport;
  /** Undefined: all of it may be new. */
  readonly delta: Delta | undefined;
}

export class ServiceNotices {
  private readonly options: ServiceNoticesOptions;
  private readonly events: EventRecorder;
  /** ServicePort id -> what was told of it. */
  private readonly told = new Map<string, string>();
  private toldFailures: ReadonlySet<string> = new Set();
  private telling: Promise<void> = Promise.resolve();

  constructor(options: ServiceNoticesOptions) {
    this.options = options;
    this.events = createEventRecorder({ ...options, component: 'switchyard-proxy' });
  }

  /** Takes note of an apply; Events are written after one another in the background. */
  record({ plan, report, delta }: AppliedPlan): void {
    for (const { id } of delta?.removed ?? []) this.told.delete(id);
    const come =
      delta === undefined
        ? [...plan.servers.values()]
        : [...delta.added, ...delta.updated.map(({ after }) => after)];
    for (const server of come) this.look(server);
    this.lookAtFailures(plan, report.failures);
  }

  /** Resolves when everything noted so far is told. */
  async settled(): Promise<void> {
    await this.telling;
    await this.events.settled();
  }

  private look(server: VirtualServer): void {
    const happening = this.limitationOf(server);
    const before = this.told.get(server.id);
    if (before === happening?.message) return;
    if (happening === undefined) {
      this.told.delete(server.id);
      return;
    }
    this.told.set(server.id, happening.message);
    this.tell(server.ref, happening);
  }

  private limitationOf({ ref, scheduler }: VirtualServer): Happening | undefined {
    const { name, capabilities } = this.options.driver;
    const port = ref.portName === '' ? 'Its port' : `Port ${ref.portName}`;
    if (!capabilities.protocols.includes(ref.protocol)) {
      const message = `${port} is not served: the driver ${name} carries no ${ref.protocol}`;
      return { type: 'Warning', reason: 'ProtocolNotServed', message };
    }
    const { scheduler: effective, standsIn } = effectiveScheduler(
      scheduler,
      capabilities.schedulers,
    );
    if (!standsIn) return undefined;
    const message = `${port} asks for the scheduler ${scheduler}, which the driver ${name} does not have; ${effective} stands in for it`;
    return { type: 'Warning', reason: 'SchedulerStandIn', message };
  }

  /** Only what was not said of the apply before. */
  private lookAtFailures(plan: Plan, failures: readonly FrontendFailure[]): void {
    const now = new Map(failures.map((failure) => [failureText(failure), failure]));
    for (const [text, { server }] of now) {
      const ref = plan.servers.get(server)?.ref;
      if (this.toldFailures.has(text) || ref === undefined) continue;
      this.tell(ref, { type: 'Warning', reason: 'FrontendNotServed', message: text });
    }
    this.toldFailures = new Set(now.keys());
  }

  private tell({ namespace, name }: ServicePortRef, happening: Happening): void {
    const { client, log } = this.options;
    this.telling = this.telling.then(async () => {
      try {
        this.events.record(await client.get(serviceKind, { namespace, name }), happening);
      } catch (thrown) {
        if (isNotFound(thrown)) return;
        log.warn('Cannot tell of a Service', { service: `${namespace}/${name}`, error: thrown });
      }
    });
  }
}

function failureText({ frontend, message, remedy }: FrontendFailure): string {
  const { kind, address, port } = frontend;
  const at = address === undefined ? `port ${port}` : formatSocketAddress({ address, port });
  return `${kind} ${at} cannot be served: ${message}${remedy === undefined ? '' : `. ${remedy}`}`;
}
