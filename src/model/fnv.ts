/** FNV-1a over UTF-16 units: a quick, even hash of keys inside one process; never for what nodes must agree on. */

/** 32 bits, unsigned. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
