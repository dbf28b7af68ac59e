import fc from 'fast-check';
import type { LogEntry } from '../../../core/events';
import { readEvent } from '../../../core/events';

/** What may happen in a run; `seq` is given when a log is made of it. */
type Happening = Readonly<Record<string, unknown>> & { readonly kind: string };

const metrics = fc.dictionary(
  fc.constantFrom('reward/mean', 'entropy/rollout', 'loss/total', '__proto__', 'seconds/step'),
  fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
);
const advance = fc.integer({ min: 1, max: 3 });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('step'), advance, metrics, phase: fc.constantFrom('sft', 'grpo') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resumed'), back: fc.nat(6) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('phase', 'evaluation', 'checkpoint', 'control', 'notice', 'ended') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('novel', 'constructor'), payload: fc.jsonValue() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('notice'), surprise: fc.jsonValue() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'malformed' }) },
);

/** A log as a trainer might have written it, torn lines and newer kinds included. */
export const arbitraryLog: fc.Arbitrary<LogEntry[]> = fc.array(happening, { maxLength: 60 }).map(logOf);

/** The events of a list of happenings, as parsed values. */
export function logOf(happenings: readonly Happening[]): LogEntry[] {
  let step = 0;
  let attempt = 1;
  const started = event(0, { kind: 'started', attempt, steps: 100 });
  return [
    started,
    ...happenings.map((item, number) => {
      if (item.kind === 'step') step += Number(item['advance']);
      if (item.kind === 'resumed') {
        step = Math.max(0, step - Number(item['back']));
        attempt += 1;
      }
      return event(number + 1, complete(item, step, attempt));
    }),
  ];
}

function event(seq: number, fields: Readonly<Record<string, unknown>>): LogEntry {
  return readEvent(JSON.parse(JSON.stringify({ seq, time: 1000 + seq, ...fields })));
}

function complete(item: Happening, step: number, attempt: number): Readonly<Record<string, unknown>> {
  const interval = { value: 0.5, low: 0.4, high: 0.6, count: 10 };
  const device = { kind: 'cpu', name: 'test', count: 1, memory_bytes: null, threads: 1 };
  switch (item.kind) {
    case 'step':
      return {
        kind: 'step',
        step,
        phase: item['phase'],
        metrics: item['metrics'],
        index_bytes: step * 100,
        tokens: step,
      };
    case 'resumed':
      return { kind: 'resumed', attempt, from_step: step, device, versions: { srft: '1' } };
    case 'phase':
      return { kind: 'phase', step, phase: 'grpo' };
    case 'evaluation':
      return {
        kind: 'evaluation',
        step,
        name: 'evaluation',
        checkpoint: 'current',
        greedy: { accuracy: interval },
        sampled: null,
        metrics: { length: step },
        index_bytes: step * 100,
      };
    case 'checkpoint':
      return {
        kind: 'checkpoint',
        step,
        path: `checkpoints/${step}`,
        bytes: 1,
        accuracy: null,
        best: false,
        chosen_on: null,
        removed: [step - 2],
      };
    case 'control':
      return { kind: 'control', request: 'r', asked: 'stop', outcome: 'done', reason: null, step };
    case 'notice':
      return { ...item, kind: 'notice', step, name: 'update_skipped', message: 'so' };
    case 'ended':
      return { kind: 'ended', step, end: { kind: 'finished', message: null } };
    case 'malformed':
      return { kind: 'step', step: 'no number' };
    default:
      return item;
  }
}
