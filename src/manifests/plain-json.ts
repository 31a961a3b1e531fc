/**
 * JSON the way programs write it, by the engine's own parser: for large files a hundredth of what YAML's takes.
 * What is written back is the same text, so nothing was lost on the way, no second key of a name either; any
 * other text is for the YAML parser, which says what is wrong with it and where.
 */

/** Below this nobody would notice, and one way through is easier to trust. */
const worthwhileBytes = 256 * 1024;

/** The value of a large JSON text; undefined when it is small, no JSON, or not as JSON.stringify writes it. */
export function parsePlainJson(text: string): unknown {
  if (text.length < worthwhileBytes || !/^[{[]/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const indent = /^[{[]\n( {1,10}|\t)/.exec(text)?.[1];
  return JSON.stringify(value, undefined, indent) === text.trimEnd() ? value : undefined;
}
