/** What the server counts of itself, as Prometheus text. */

/** Requests by verb, resource and code; and the watches that run. */
export class Usage {
  private readonly requests = new Map<string, number>();
  private readonly watches = new Map<string, number>();
  watching = 0;

  count(labels: { readonly verb: string; readonly resource: string; readonly code: number }): void {
    const key = `verb="${labels.verb}",resource="${labels.resource}",code="${labels.code}"`;
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
  }

  /** Returns how to end it. */
  watch(resource: string): () => void {
    const move = (by: number): void => {
      this.watching += by;
      this.watches.set(resource, (this.watches.get(resource) ?? 0) + by);
    };
    move(1);
    return () => move(-1);
  }

  format(): string {
    return [
      '# HELP apiserver_request_total Requests, by verb, resource and HTTP code.',
      '# TYPE apiserver_request_total counter',
      ...[...this.requests].map(([key, value]) => `apiserver_request_total{${key}} ${value}`),
      '# HELP apiserver_longrunning_requests Watches that run.',
      '# TYPE apiserver_longrunning_requests gauge',
      ...[...this.watches].map(
        ([resource, value]) =>
          `apiserver_longrunning_requests{verb="WATCH",resource="${resource}"} ${value}`,
      ),
      '',
    ].join('\n');
  }
}
