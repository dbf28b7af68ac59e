import { broken, read, type Read } from '../../../core/read';
import type { Reroll } from '../../../core/rerolls';
import { rolloutText } from '../../../core/rolloutColumns';
import { traceOf } from '../../../core/trace';
import { overlaysOf } from '../../../core/traceOverlays';
import { sectionsOf } from '../../../core/traceSections';
import type { RunWatch } from '../../runs/runWatch';
import type { RerollPlace, TraceAddress } from './traceAddress';
import type { OpenTrace, TraceLibrary } from './traceLibrary';

/** What a checkpoint wrote from a token of a rollout, in this window; no part of its run. */
export interface RerollOrigin {
  readonly kind: 'reroll';
  readonly reroll: Reroll;
  /** The rollout of whose group it is. */
  readonly address: TraceAddress;
  readonly run: RunWatch;
  /** Row of that rollout. */
  readonly row: number;
}

/** The trace of a re-roll, as far as it is written. */
export async function readOfReroll(
  traces: TraceLibrary,
  { number, ...address }: RerollPlace,
): Promise<Read<OpenTrace>> {
  const found = await traces.find(address);
  if (found.kind === 'broken') return found;
  const { run, row } = found.value;
  const reroll = traces.rerollOf(run, row, number);
  if (reroll === undefined)
    return broken('This re-roll is gone: re-rolls are kept until their window is closed, or until they are forgotten.');
  const prompt = await run.store.readPrompt(row);
  const trace = traceOf(reroll.record, prompt.kind === 'read' ? rolloutText(prompt.value) : '');
  return read({
    origin: { kind: 'reroll', reroll, address, run, row },
    trace,
    overlays: overlaysOf(trace, NaN),
    sections: sectionsOf(trace.text, trace.responseStart),
    scores: [],
  });
}
