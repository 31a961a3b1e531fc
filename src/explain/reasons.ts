/**
 * The one table of reasons: code -> stage, severity, and templates of the sentence, the why and the remedy.
 * Nothing else in this room makes sentences; codes stay the same when their words change.
 */
import type { GapsOf, Value } from '../model/index.ts';
import type { ReasonRow } from './reason-row.ts';
import { endpointReasons } from './reasons/endpoint-reasons.ts';
import { flowReasons } from './reasons/flow-reasons.ts';
import { nameReasons } from './reasons/name-reasons.ts';
import { podReasons } from './reasons/pod-reasons.ts';

export const reasons = { ...nameReasons, ...podReasons, ...endpointReasons, ...flowReasons };

export type ReasonCode = keyof typeof reasons;

type TextsOf<Row> = Row extends ReasonRow
  ? Extract<Row[keyof Row & ('text' | 'why' | 'remedy')], string>
  : never;

/** The values a reason's sentences have gaps for. */
export type ValuesOf<Code extends ReasonCode> = Readonly<
  Record<GapsOf<TextsOf<(typeof reasons)[Code]>>, Value>
>;
