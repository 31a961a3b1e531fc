/**
 * Weights as a ring of slots: each candidate stands in it as often as its weight says, evenly mixed (nginx's
 * smooth weighted round robin). All drivers walk or hash into the same ring, so they agree slot for slot.
 *
 * A ring has at most 1,024 slots, or one per candidate when there are more: weights are divided by their
 * greatest common divisor and, when the sum is still too large, scaled down with the largest remainders
 * rounded up, none below one slot.
 */

export const maxRingSlots = 1_024;

/** Candidate indexes in the order of their turns; empty when every weight is 0. */
export function buildRing(weights: ArrayLike<number>): Uint32Array {
  const slots = slotCounts(weights);
  let total = 0;
  for (let i = 0; i < slots.length; i++) total += slots[i]!;
  return mixEvenly(slots, total);
}

/** True when the slots do not stand in the exact ratio of the weights. */
export function ringIsScaled(weights: ArrayLike<number>): boolean {
  const divisor = commonDivisor(weights);
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += divisor === 0 ? 0 : weights[i]! / divisor;
  return sum > maxRingSlots && Array.from(weights).some((w) => w > divisor);
}

/** How many slots each candidate gets; 0 exactly where the weight is 0. */
export function slotCounts(weights: ArrayLike<number>): Uint32Array {
  const slots = new Uint32Array(weights.length);
  const divisor = commonDivisor(weights);
  if (divisor === 0) return slots;
  let sum = 0;
  let positive = 0;
  for (let i = 0; i < weights.length; i++) {
    slots[i] = weights[i]! / divisor;
    sum += slots[i]!;
    if (slots[i]! > 0) positive++;
  }
  return sum <= maxRingSlots ? slots : scaleDown(slots, sum, Math.max(maxRingSlots, positive));
}

/** Largest remainders first; whoever would get nothing gets one slot before the rest is shared. */
function scaleDown(counts: Uint32Array, sum: number, size: number): Uint32Array {
  const scaled = new Uint32Array(counts.length);
  const remainders: { readonly index: number; readonly rest: number }[] = [];
  let left = size;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0) continue;
    const exact = (counts[i]! * size) / sum;
    scaled[i] = Math.max(1, Math.floor(exact));
    left -= scaled[i]!;
    remainders.push({ index: i, rest: exact - scaled[i]! });
  }
  remainders.sort((a, b) => b.rest - a.rest || a.index - b.index);
  for (const { index } of remainders) {
    if (left <= 0) break;
    scaled[index] = scaled[index]! + 1;
    left--;
  }
  // The slots lent to the smallest are taken back from the largest, who feel it least.
  while (left < 0) {
    let largest = 0;
    for (let i = 1; i < scaled.length; i++) if (scaled[i]! > scaled[largest]!) largest = i;
    if (scaled[largest]! <= 1) break;
    scaled[largest] = scaled[largest]! - 1;
    left++;
  }
  return scaled;
}

function mixEvenly(slots: Uint32Array, total: number): Uint32Array {
  const ring = new Uint32Array(total);
  const members: number[] = [];
  for (let i = 0; i < slots.length; i++) if (slots[i]! > 0) members.push(i);
  // Equal counts are the common case, and need no mixing.
  if (total === members.length) return Uint32Array.from(members);
  const current = new Float64Array(slots.length);
  for (let turn = 0; turn < total; turn++) {
    let best = members[0]!;
    for (const i of members) {
      current[i] = current[i]! + slots[i]!;
      if (current[i]! > current[best]!) best = i;
    }
    current[best] = current[best]! - total;
    ring[turn] = best;
  }
  return ring;
}

function commonDivisor(weights: ArrayLike<number>): number {
  let divisor = 0;
  for (let i = 0; i < weights.length; i++) {
    let a = divisor;
    let b = weights[i]!;
    while (b !== 0) [a, b] = [b, a % b];
    divisor = a;
  }
  return divisor;
}
