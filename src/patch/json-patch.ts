/** JSON patch (RFC 6902). The target is not changed; what the patch does not touch is shared. */
import {
  ApiError,
  fieldOf,
  isJsonArray,
  isJsonObject,
  jsonEqual,
  type JsonObject,
} from '../kube/index.ts';

/** As many as the API server takes. */
const maxOperations = 10_000;

/** Throws BadRequest for what is no patch, Invalid for one that does not fit the target. */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  if (!isJsonArray(patch)) {
    throw new ApiError('BadRequest', 'error decoding patch: a JSON patch is a list of operations');
  }
  if (patch.length > maxOperations) {
    throw new ApiError(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    );
  }
  return patch.reduce<unknown>((value, operation) => applyOne(value, operation), target);
}

function applyOne(target: unknown, operation: unknown): unknown {
  if (!isJsonObject(operation)) {
    throw new ApiError('BadRequest', 'error decoding patch: an operation is no object');
  }
  const path = pointer(operation, 'path');
  switch (operation['op']) {
    case 'add':
      return insert(target, path, valueIn(operation));
    case 'remove':
      return removeAt(target, path);
    case 'replace':
      lookUp(target, path);
      return replaceAt(target, path, valueIn(operation));
    case 'move': {
      const from = pointer(operation, 'from');
      if (path.length > from.length && from.every((part, i) => part === path[i])) {
        throw unfit('a value cannot be moved into itself');
      }
      return insert(removeAt(target, from), path, lookUp(target, from));
    }
    case 'copy':
      return insert(target, path, lookUp(target, pointer(operation, 'from')));
    case 'test': {
      const found = lookUp(target, path);
      if (jsonEqual(found ?? null, fieldOf(operation, 'value') ?? null)) return target;
      throw unfit(`testing value ${String(operation['path'])} failed`);
    }
    default:
      throw new ApiError(
        'BadRequest',
        `error decoding patch: ${JSON.stringify(operation['op'] ?? '')} is no operation`,
      );
  }
}

type Pointer = readonly string[];

function pointer(operation: JsonObject, field: string): Pointer {
  const text = operation[field];
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) {
    throw new ApiError('BadRequest', `error decoding patch: ${field} is no JSON pointer`);
  }
  return text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueIn(operation: JsonObject): unknown {
  if (Object.hasOwn(operation, 'value')) return operation['value'];
  throw new ApiError('BadRequest', 'error decoding patch: the operation has no value');
}

/** A list's index; `-` is behind its end, where there is nothing but room for one more. */
function indexIn(list: readonly unknown[], part: string, last: number): number {
  const named = /^(0|[1-9][0-9]{0,9})$/.test(part) ? Number(part) : NaN;
  const index = part === '-' ? list.length : named;
  if (index <= last) return index;
  throw unfit(`index ${part} is out of bounds`);
}

function lookUp(target: unknown, path: Pointer): unknown {
  let value = target;
  for (const part of path) {
    if (isJsonArray(value)) value = value[indexIn(value, part, value.length - 1)];
    else if (isJsonObject(value) && Object.hasOwn(value, part)) value = value[part];
    else throw unfit(`there is nothing at ${part}`);
  }
  return value;
}

/** The target with what `change` makes of the container that holds the last part of the path. */
function within(
  target: unknown,
  path: Pointer,
  change: (container: unknown, part: string) => unknown,
): unknown {
  const [part = '', ...rest] = path;
  if (rest.length === 0) return change(target, part);
  const inner = within(lookUp(target, [part]), rest, change);
  return put(target, part, inner);
}

function put(container: unknown, part: string, value: unknown): unknown {
  if (isJsonArray(container)) {
    return container.with(indexIn(container, part, container.length - 1), value);
  }
  if (!isJsonObject(container)) throw unfit(`there is nothing to hold ${part}`);
  // fromEntries defines its keys: one called `__proto__` stays a plain key.
  return Object.fromEntries([...Object.entries(container), [part, value]]);
}

function insert(target: unknown, path: Pointer, value: unknown): unknown {
  if (path.length === 0) return value;
  return within(target, path, (container, part) =>
    isJsonArray(container)
      ? container.toSpliced(indexIn(container, part, container.length), 0, value)
      : put(container, part, value),
  );
}

function replaceAt(target: unknown, path: Pointer, value: unknown): unknown {
  return path.length === 0 ? value : within(target, path, (at, part) => put(at, part, value));
}

function removeAt(target: unknown, path: Pointer): unknown {
  lookUp(target, path);
  if (path.length === 0) return null;
  return within(target, path, (container, part) => {
    if (isJsonArray(container)) {
      return container.toSpliced(indexIn(container, part, container.length - 1), 1);
    }
    const fields = Object.entries(isJsonObject(container) ? container : {});
    return Object.fromEntries(fields.filter(([key]) => key !== part));
  });
}

/** The API server tells no more to the client; the reason is for people. */
function unfit(reason: string): ApiError {
  return new ApiError('Invalid', `the server rejected our request due to an error in our request`, {
    causes: [{ reason: 'PatchFailed', field: '', message: reason }],
  });
}
