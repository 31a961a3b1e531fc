/**
 * `npm run schemas -- FOLDER`: writes src/kube/schema/*.data.ts from the OpenAPI v3 documents of a Kubernetes API
 * server (one JSON file a group and version, with `components.schemas`), and keeps the documents themselves, gzipped
 * and with their descriptions, in assets/openapi for `kubectl explain`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

interface OpenApiSchema {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly allOf?: readonly OpenApiSchema[];
  readonly oneOf?: readonly OpenApiSchema[];
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly required?: readonly string[];
  readonly items?: OpenApiSchema;
  readonly additionalProperties?: OpenApiSchema;
  readonly 'x-kubernetes-group-version-kind'?: readonly Gvk[];
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
}

interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

type Definitions = ReadonlyMap<string, OpenApiSchema>;

const root = dirname(import.meta.dirname);
const scalars: readonly (string | undefined)[] = ['string', 'boolean', 'integer', 'number'];

/** `io.k8s.api.core.v1.PodSpec` is `core.v1.PodSpec`; what several groups share is `meta.v1`. */
function shortName(name: string): string {
  return name
    .replace(/^io\.k8s\.api\./, '')
    .replace(/^io\.k8s\.apimachinery\.pkg\.apis\./, '')
    .replace(/^io\.k8s\.apimachinery\.pkg\./, 'meta.v1.')
    .replace(/^meta\.v1\.(api\.resource|util\.intstr|runtime)\./, 'meta.v1.');
}

function refOf(schema: OpenApiSchema): string | undefined {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  return ref?.replace('#/components/schemas/', '');
}

/** The compact form that src/kube/schema/definitions.ts reads. */
function compact(schema: OpenApiSchema): unknown {
  const {
    'x-kubernetes-patch-strategy': s,
    'x-kubernetes-patch-merge-key': m,
    'x-kubernetes-list-map-keys': k,
    'x-kubernetes-list-type': t,
  } = schema;
  const atomic = schema['x-kubernetes-map-type'] === 'atomic' ? { a: 1 } : {};
  const patch = { ...(s === undefined ? {} : { s }), ...(m === undefined ? {} : { m }) };
  const ref = refOf(schema);
  if (ref !== undefined) {
    const bare = `#${shortName(ref)}`;
    const extra = { ...patch, ...atomic };
    return Object.keys(extra).length === 0 ? bare : { r: bare, ...extra };
  }
  if (schema.oneOf !== undefined) {
    return schema.oneOf.some(({ type }) => type === 'integer') ? 'intOrString' : 'quantity';
  }
  if (schema.type === 'array' && schema.items !== undefined) {
    const l = compact(schema.items);
    const list = t === undefined || t === 'atomic' ? {} : { t };
    return { l, ...list, ...(k === undefined ? {} : { k }), ...patch };
  }
  if (schema.additionalProperties !== undefined) {
    return { v: compact(schema.additionalProperties), ...patch, ...atomic };
  }
  if (schema.properties !== undefined) {
    const f = Object.fromEntries(
      Object.entries(schema.properties).map(([name, field]) => [name, compact(field)]),
    );
    return { f, ...(schema.required === undefined ? {} : { q: schema.required }), ...atomic };
  }
  if (scalars.includes(schema.type)) {
    return schema.format === undefined ? schema.type : `${schema.type}:${schema.format}`;
  }
  return 'any';
}

/** What a definition refers to, itself included, in the order met. Cycles would never end a walk: refused. */
function reach(
  name: string,
  context: { readonly definitions: Definitions; readonly found: Set<string> },
  trail: readonly string[] = [],
): void {
  if (trail.includes(name)) throw new Error(`Cannot write schemas: ${name} contains itself`);
  const { definitions, found } = context;
  found.add(name);
  const walk = (schema: OpenApiSchema): void => {
    const ref = refOf(schema);
    if (ref !== undefined) reach(ref, context, [...trail, name]);
    for (const field of Object.values(schema.properties ?? {})) walk(field);
    if (schema.items !== undefined) walk(schema.items);
    if (schema.additionalProperties !== undefined) walk(schema.additionalProperties);
  };
  walk(definitions.get(name) ?? {});
}

/** Kinds of objects: lists, options and events of watches have one shape for all. */
function kindsOf(definitions: Definitions): readonly (readonly [string, Gvk])[] {
  return [...definitions].flatMap(([name, schema]) => {
    const [gvk, ...others] = schema['x-kubernetes-group-version-kind'] ?? [];
    const isObject = schema.properties?.['metadata'] !== undefined;
    const isList = schema.properties?.['items'] !== undefined;
    if (gvk === undefined || others.length > 0 || !isObject || isList) return [];
    return name.includes('apimachinery') ? [] : [[name, gvk] as const];
  });
}

function write(folder: string): void {
  const definitions = new Map<string, OpenApiSchema>();
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  rmSync(join(root, 'assets/openapi'), { recursive: true, force: true });
  mkdirSync(join(root, 'assets/openapi'), { recursive: true });
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    const document: {
      readonly components: { readonly schemas: Readonly<Record<string, OpenApiSchema>> };
    } = JSON.parse(text);
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      definitions.set(name, schema);
    }
    const kept = gzipSync(JSON.stringify(document), { level: 9 });
    writeFileSync(join(root, 'assets/openapi', `${basename(file)}.gz`), kept);
  }
  const found = new Set<string>();
  const kinds = kindsOf(definitions);
  for (const [name] of kinds) reach(name, { definitions, found });
  const byPackage = Map.groupBy([...found].toSorted(), packageOf);
  for (const [name, members] of byPackage) {
    const lines = members.map((member) => {
      const short = shortName(member).slice(name.length + 1);
      const own = kinds.find(([kind]) => kind === member)?.[1];
      const gvk = own === undefined ? '' : ` ${JSON.stringify([own.group, own.version, own.kind])}`;
      return `${short} ${JSON.stringify(compact(definitions.get(member) ?? {}))}${gvk}`;
    });
    const file = `${name.replaceAll('.', '-')}.data.ts`;
    writeFileSync(join(root, 'src/kube/schema', file), source(name, lines));
  }
}

function packageOf(name: string): string {
  return shortName(name).split('.').slice(0, 2).join('.');
}

function source(name: string, lines: readonly string[]): string {
  const constant = name.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase());
  return [
    `/** The definitions of ${name}, one a line; written by \`npm run schemas\`, read by definitions.ts. */`,
    `export const ${constant} = \`\\`,
    ...lines,
    '`;',
    '',
  ].join('\n');
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('error: Cannot write schemas: no folder\n  try: npm run schemas -- FOLDER');
  process.exitCode = 2;
} else {
  write(folder);
}
