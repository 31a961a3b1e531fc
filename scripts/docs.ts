/** `npm run docs`: writes the pages that stand in tables of the code; a test fails when one is stale. */
import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nftablesCapabilities } from '../src/drivers/nftables/capabilities.ts';
import { userspaceCapabilities } from '../src/drivers/userspace/capabilities.ts';
import { annotations } from '../src/kube/index.ts';
import { metricRows, type MetricRow } from '../src/metrics/index.ts';
import { rules } from '../src/lint/index.ts';
import {
  differenceMeanings,
  effectiveScheduler,
  schedulerFacts,
  schedulerNames,
  type DriverCapabilities,
  type ErrorTable,
} from '../src/model/index.ts';
import { renderConformance } from './conformance-page.ts';

/** The error table of one folder. */
export interface FolderErrors {
  /** Below src: `sys/net`. */
  readonly folder: string;
  readonly table: ErrorTable;
}

const root = dirname(import.meta.dirname);

/** Every table that an errors.ts exports, sorted by folder. */
export async function readErrorTables(): Promise<readonly FolderErrors[]> {
  const found: FolderErrors[] = [];
  for (const file of globSync('**/errors.ts', { cwd: join(root, 'src') }).toSorted()) {
    const module: Readonly<Record<string, unknown>> = await import(
      pathToFileURL(join(root, 'src', file)).href
    );
    for (const exported of Object.values(module)) {
      if (isErrorTable(exported)) found.push({ folder: dirname(file), table: exported });
    }
  }
  return found;
}

function isErrorTable(value: unknown): value is ErrorTable {
  return typeof value === 'object' && value !== null && 'user' in value && 'ours' in value;
}

/** The whole text of docs/errors.md. */
export function renderErrors(tables: readonly FolderErrors[]): string {
  const folders = new Set(tables.map(({ folder }) => folder));
  const sections = [...folders].map((folder) =>
    [
      `## ${folder}`,
      '',
      '| code | whose fault | meaning |',
      '|---|---|---|',
      ...tables.filter((found) => found.folder === folder).flatMap(({ table }) => rowsOf(table)),
      '',
    ].join('\n'),
  );
  return [
    '# Errors',
    '',
    'Every failure has a code that stays the same when its words change. *Yours* means that something was asked',
    'for that cannot be (the command exits with 2); *ours* means that Switchyard or the host could not (it exits',
    'with 3). The tables are written by `npm run docs` from the `errors.ts` of each folder: change them there.',
    '',
    ...sections,
  ].join('\n');
}

function rowsOf(table: ErrorTable): readonly string[] {
  const rows = (codes: ErrorTable['user'], fault: string): readonly string[] =>
    Object.entries(codes).map(([code, meaning]) => `| \`${code}\` | ${fault} | ${meaning} |`);
  return [...rows(table.user, 'yours'), ...rows(table.ours, 'ours')];
}

/** The whole text of docs/annotations.md. */
export function renderAnnotations(): string {
  const rows = Object.values(annotations)
    .toSorted((a, b) => (`${a.key} ${a.place}` < `${b.key} ${b.place}` ? -1 : 1))
    .map(({ key, place, on, synonyms, doc }) => {
      const others = synonyms.map((synonym) => `\`${synonym}\``).join(', ');
      return `| \`${key}\` | ${place} on ${on.join(', ')} | ${doc} | ${others} |`;
    });
  const schedulers = schedulerNames.map((name) => {
    const { means, standIns, ipvsOnly } = schedulerFacts[name];
    const where = ipvsOnly ? 'ipvs only' : '';
    return `| \`${name}\` | ${means} | ${standIns.map((other) => `\`${other}\``).join(', ')} | ${where} |`;
  });
  return [
    '# Annotations and labels',
    '',
    'Every key that Switchyard reads or writes. A value that cannot be read never stops an object: it is reported, and',
    'the rule in the third column holds. A synonym is read when the key itself is absent. The tables are written by',
    '`npm run docs` from `src/kube/annotations.ts` and `src/model/schedulers/names.ts`: change them there.',
    '',
    '| key | where | what it does | also read |',
    '|---|---|---|---|',
    ...rows,
    '',
    '## Schedulers',
    '',
    'A driver that cannot do a scheduler uses the first of its stand-ins that it can, and says so.',
    '',
    '| scheduler | chooses | stand-ins, best first | |',
    '|---|---|---|---|',
    ...schedulers,
    '',
  ].join('\n');
}

const drivers: Readonly<Record<string, DriverCapabilities>> = {
  userspace: userspaceCapabilities,
  nftables: nftablesCapabilities,
};

/** The whole text of docs/drivers/capabilities.md. */
export function renderCapabilities(): string {
  const names = Object.keys(drivers);
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const schedulers = schedulerNames.map((wanted) =>
    row([
      `\`${wanted}\``,
      ...Object.values(drivers).map(({ schedulers: own }) => {
        const { scheduler, standsIn } = effectiveScheduler(wanted, own);
        return standsIn ? `\`${scheduler}\` stands in` : 'yes';
      }),
    ]),
  );
  const differences = Object.entries(drivers).flatMap(([name, { differences: all }]) =>
    all.map(({ code, why }) => row([name, `\`${code}\``, differenceMeanings[code], why])),
  );
  return [
    '# What each driver can',
    '',
    'What a driver cannot is done by a named stand-in or is a named difference from the specification, which the conformance',
    "suite skips by that name. The tables are written by `npm run docs` from the drivers' `capabilities.ts`: change them there.",
    '',
    row(['', ...names]),
    `|---|${names.map(() => '---|').join('')}`,
    row(['protocols', ...Object.values(drivers).map(({ protocols }) => protocols.join(', '))]),
    ...schedulers,
    '',
    '## Differences',
    '',
    '| driver | | what differs | why |',
    '|---|---|---|---|',
    ...differences,
    '',
  ].join('\n');
}

/** The whole text of docs/metrics.md. */
export function renderMetrics(): string {
  const all: readonly MetricRow[] = Object.values(metricRows);
  const rows = all.map(({ name, type, help, labels }) => {
    const named = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${help} | ${named} |`;
  });
  return [
    '# Metrics',
    '',
    '`switchyard up` answers Prometheus at the address it prints (`--metrics ADDRESS:PORT`, or `none`), and',
    '`switchyard get metrics` prints the same. Names are those of kube-proxy where they mean the same. An endpoint has',
    'series once something was sent to it; they end with it, or with its last connection. Counters begin at 0 when',
    'Switchyard starts. Besides these there are the usual `process_` and `nodejs_` metrics of prom-client, and',
    'those of names, as CoreDNS calls them: `coredns_dns_`, `coredns_cache_`, `coredns_forward_`; and of a node of a cluster',
    'the answers of its health pages, `kubeproxy_proxy_healthz_total` and `kubeproxy_proxy_livez_total`, and when a change was last queued,',
    '`kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds`; and of HTTP at the Service `switchyard_http_requests_total` (by',
    '`code`), `switchyard_http_request_failures_total`, `switchyard_http_request_duration_seconds`, `switchyard_http_refused_total` and',
    '`switchyard_http_client_connections`, each by Service and, where one was asked, endpoint; `entry` is the way clients came:',
    'the Service (`cluster`, `local`) or its name (`name`). The table is',
    'written by `npm run docs` from `src/metrics/metric-rows.ts`: change it there.',
    '',
    '| metric | type | what it says | labels |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** The whole text of docs/lint.md. */
export function renderLintRules(): string {
  const rows = Object.entries(rules).map(([code, { severity, text, remedy }]) => {
    const cells = [`\`${code}\``, severity, text, remedy].map((cell) =>
      cell.replaceAll('|', '\\|'),
    );
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '# Lint',
    '',
    '`switchyard lint FILE|DIR...` reads manifests as one set and says what in them will not do what it says. Nothing has',
    'to run for it. Exit code 1: there are errors, or warnings with `--strict`. `-o json` prints the findings as data.',
    '',
    'What the API itself would refuse is an error with a `MANIFEST_` code ([errors](errors.md)), and so is a field that its',
    'kind does not have. Beyond that, what each object says of the others is checked by these rules; words in braces',
    'are filled in. The table is written by `npm run docs` from `src/lint/rules.ts`: change it there.',
    '',
    '| rule | | says | try |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

if (import.meta.main) {
  writeFileSync(join(root, 'docs/lint.md'), renderLintRules());
  writeFileSync(join(root, 'docs/drivers/capabilities.md'), renderCapabilities());
  writeFileSync(join(root, 'docs/metrics.md'), renderMetrics());
  writeFileSync(join(root, 'docs/errors.md'), renderErrors(await readErrorTables()));
  writeFileSync(join(root, 'docs/annotations.md'), renderAnnotations());
  mkdirSync(join(root, 'docs/drivers'), { recursive: true });
  writeFileSync(join(root, 'docs/drivers/conformance.md'), renderConformance());
}
