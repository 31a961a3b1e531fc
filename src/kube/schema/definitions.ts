/**
 * Reads the compact definitions that `npm run schemas` writes, each when it is first asked for: a process that asks
 * for none pays for their text alone.
 */
import { isJsonArray, isJsonObject, type JsonObject } from '../json.ts';
import { appsV1 } from './apps-v1.data.ts';
import { autoscalingV1 } from './autoscaling-v1.data.ts';
import { coordinationV1 } from './coordination-v1.data.ts';
import { coreV1 } from './core-v1.data.ts';
import { discoveryV1 } from './discovery-v1.data.ts';
import { eventsV1 } from './events-v1.data.ts';
import { metaV1 } from './meta-v1.data.ts';
import { networkingV1 } from './networking-v1.data.ts';
import { rbacV1 } from './rbac-v1.data.ts';
import type { GroupVersionKind, PatchRules, ScalarType, Schema } from './schema.ts';

/** `PodSpec {...}` a line; behind the definition of a kind stands its group, version and kind. */
const sources: Readonly<Record<string, string>> = {
  'apps.v1': appsV1,
  'autoscaling.v1': autoscalingV1,
  'coordination.v1': coordinationV1,
  'core.v1': coreV1,
  'discovery.v1': discoveryV1,
  'events.v1': eventsV1,
  'meta.v1': metaV1,
  'networking.v1': networkingV1,
  'rbac.v1': rbacV1,
};

interface Definitions {
  readonly texts: ReadonlyMap<string, string>;
  /** Definition names by kindOf. */
  readonly kinds: ReadonlyMap<string, string>;
}

let definitions: Definitions | undefined;
const built = new Map<string, Schema>();

/** What is known of a kind; undefined for kinds that the recorded API did not describe. */
export function schemaOf(gvk: GroupVersionKind): Schema | undefined {
  definitions ??= readSources();
  const name = definitions.kinds.get(keyOf(gvk));
  return name === undefined ? undefined : definitionOf(name, definitions);
}

/** Every kind that has a schema. */
export function schemaKinds(): readonly GroupVersionKind[] {
  definitions ??= readSources();
  return [...definitions.kinds.keys()].map((key) => {
    const [group = '', version = '', kind = ''] = key.split('/');
    return { group, version, kind };
  });
}

function keyOf({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}/${kind}`;
}

function readSources(): Definitions {
  const texts = new Map<string, string>();
  const kinds = new Map<string, string>();
  for (const [prefix, source] of Object.entries(sources)) {
    for (const line of source.trimEnd().split('\n')) {
      const [short = '', text = '', gvk] = line.split(' ');
      const name = `${prefix}.${short}`;
      texts.set(name, text);
      if (gvk === undefined) continue;
      const parts: unknown = JSON.parse(gvk);
      if (isJsonArray(parts)) kinds.set(parts.join('/'), name);
    }
  }
  return { texts, kinds };
}

function definitionOf(name: string, from: Definitions): Schema {
  const known = built.get(name);
  if (known !== undefined) return known;
  const schema = readNode(JSON.parse(from.texts.get(name) ?? '"any"'), { from, name });
  built.set(name, schema);
  return schema;
}

interface Context {
  readonly from: Definitions;
  /** The definition that is read. */
  readonly name: string;
}

const scalarTypes: readonly ScalarType[] = [
  'string',
  'boolean',
  'integer',
  'number',
  'intOrString',
  'quantity',
];
const noRules: PatchRules = { patchStrategy: [], patchMergeKey: undefined };

function readNode(node: unknown, context: Context): Schema {
  if (typeof node === 'string') return readWord(node, context);
  if (!isJsonObject(node)) return { type: 'any', ...noRules };
  const rules = rulesOf(node);
  const isAtomic = node['a'] === 1;
  const { r: ref, l: items, v: values, f: fields } = node;
  if (typeof ref === 'string') {
    const target = readWord(ref, context);
    const own = { ...target, ...rules };
    return isAtomic && (own.type === 'map' || own.type === 'object') ? { ...own, isAtomic } : own;
  }
  if (items !== undefined) {
    const listType = node['t'] === 'map' || node['t'] === 'set' ? node['t'] : 'atomic';
    const mapKeys = textsOf(node['k']);
    return { type: 'list', items: readNode(items, context), listType, mapKeys, ...rules };
  }
  if (values !== undefined) {
    return { type: 'map', values: readNode(values, context), isAtomic, ...rules };
  }
  const known = Object.entries(isJsonObject(fields) ? fields : {}).map(
    ([key, field]) => [key, readNode(field, context)] as const,
  );
  return {
    type: 'object',
    fields: new Map(known),
    required: textsOf(node['q']),
    isAtomic,
    definition: context.name,
    ...rules,
  };
}

/** `#core.v1.PodSpec`, or `integer:int32`. */
function readWord(word: string, { from }: Context): Schema {
  if (word.startsWith('#')) return definitionOf(word.slice(1), from);
  const [name, format] = word.split(':');
  const type = scalarTypes.find((scalar) => scalar === name);
  return type === undefined ? { type: 'any', ...noRules } : { type, format, ...noRules };
}

function rulesOf(node: JsonObject): PatchRules {
  const { s: strategy, m: mergeKey } = node;
  return {
    patchStrategy: typeof strategy === 'string' ? strategy.split(',') : [],
    patchMergeKey: typeof mergeKey === 'string' ? mergeKey : undefined,
  };
}

function textsOf(value: unknown): readonly string[] {
  return isJsonArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
