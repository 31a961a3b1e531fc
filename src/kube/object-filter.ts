/** What a list or a watch selects, as one question to an object. */
import type { ListOptions } from './client.ts';
import { parseFieldSelector } from './field-selector.ts';
import { parseLabelSelector } from './label-selector.ts';
import type { Kind, KubeObject } from './object.ts';

export type ObjectFilter = (object: KubeObject) => boolean;

/** Undefined when everything is selected. Throws BadRequest when a selector is malformed. */
export function objectFilter(kind: Kind, options: ListOptions): ObjectFilter | undefined {
  const filters: ObjectFilter[] = [];
  const { namespace, labelSelector = '', fieldSelector = '' } = options;
  if (namespace !== undefined) filters.push((object) => object.metadata.namespace === namespace);
  if (labelSelector !== '') {
    const selector = parseLabelSelector(labelSelector);
    filters.push((object) => selector.matches(object.metadata.labels));
  }
  if (fieldSelector !== '') {
    const selector = parseFieldSelector(kind, fieldSelector);
    filters.push((object) => selector.matches(object));
  }
  if (filters.length === 0) return undefined;
  return (object) => filters.every((filter) => filter(object));
}
