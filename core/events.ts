import type { RunEvent } from './generated/wire';
import { knownKeys } from './generated/wireFacts';
import { eventProblem, parseJson } from './wireText';

/** A line of `events.jsonl` as a reader of this release sees it. */
export type LogEntry =
  | { readonly kind: 'known'; readonly event: RunEvent; readonly unknownKeys: readonly string[] }
  | { readonly kind: 'unknown'; readonly event: UnknownEvent }
  | { readonly kind: 'malformed'; readonly reason: string };

/** An event of a kind that a later minor version brought; kept as it stands. */
export interface UnknownEvent {
  readonly seq: number;
  readonly time: number;
  readonly kind: string;
  readonly [key: string]: unknown;
}

/** Read one line. Never throws: what is no event is `malformed` with its reason. */
export function readEventLine(line: string): LogEntry {
  const json = parseJson(line);
  return json.kind === 'read' ? readEvent(json.value) : { kind: 'malformed', reason: json.reason };
}

/** The same for a value already parsed. */
export function readEvent(value: unknown): LogEntry {
  if (!hasEventBase(value)) return { kind: 'malformed', reason: 'an event needs a whole seq, a time and a kind' };
  if (!isKnownKind(value.kind)) return { kind: 'unknown', event: value };
  const problem = eventProblem(value.kind, value);
  if (problem !== undefined) return { kind: 'malformed', reason: `${value.kind}: ${problem}` };
  const event = value as unknown as RunEvent;
  return { kind: 'known', event, unknownKeys: unknownKeysOf(event) };
}

type Kind = RunEvent['kind'];

const keysOfKind: Readonly<Record<Kind, readonly string[]>> = {
  started: knownKeys.StartedEvent,
  resumed: knownKeys.ResumedEvent,
  step: knownKeys.StepEvent,
  phase: knownKeys.PhaseEvent,
  evaluation: knownKeys.EvaluationEvent,
  checkpoint: knownKeys.CheckpointEvent,
  control: knownKeys.ControlEvent,
  non_finite: knownKeys.NonFiniteEvent,
  notice: knownKeys.NoticeEvent,
  ended: knownKeys.EndedEvent,
};

function isKnownKind(kind: string): kind is Kind {
  return Object.hasOwn(keysOfKind, kind);
}

function unknownKeysOf(event: RunEvent): readonly string[] {
  const known = keysOfKind[event.kind];
  return Object.keys(event).filter((key) => !known.includes(key));
}

function hasEventBase(value: unknown): value is UnknownEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { seq, time, kind } = value as Record<string, unknown>;
  return Number.isSafeInteger(seq) && Number(seq) >= 0 && Number.isFinite(time) && typeof kind === 'string';
}
