import { thinned } from '../../../core/checkpointDifference';
import type { StripMessage, StripProbe, ToCheckpointsView } from '../../../core/generated/checkpoints';
import { tokenCount, tokenText } from '../../../core/trace';
import { visibleWords } from '../../../core/visibleWords';
import { scoreUnderEach } from '../../checkpoints/underCheckpoints';
import { probeRows, readSequences, type WholeSequence } from '../../runs/comparedRows';
import type { RunWatch } from '../../runs/runWatch';
import { placesOf, type CheckpointPlace } from './checkpointPlaces';
import type { CheckpointService } from './checkpointService';
import { shownText } from './comparisonWork';
import { noteEnd } from './noteEnd';

/** Probes, checkpoints and tokens of a trace that are shown at most. */
const mostProbes = 8;
const mostPlaces = 24;
const mostTokens = 256;
const tellEveryMs = 200;
/** Of all probes together, prompts included. */
const mostTokensRead = 32_000;

/** When tokens became likely: a fixed trace of each probe under every checkpoint of a run. */
export class StripWork {
  private stop = new AbortController();
  private state: StripMessage['state'] = 'none';
  private generation = 0;
  private isOfProbes = true;
  /** Checkpoints that were asked, by step; those that were removed since keep their rows. */
  private places: readonly CheckpointPlace[] = [];
  private asked = 0;
  /** Chosen when the strip is scored first, so that its columns stay what they are. */
  private probes: readonly WholeSequence[] = [];
  /** By checkpoint's folder and probe: [T] probabilities. */
  private readonly known = new Map<string, Float32Array>();
  private notes: string[] = [];
  private done = 0;
  private toldAt = -Infinity;

  constructor(
    private readonly run: RunWatch,
    private readonly service: CheckpointService,
    private readonly send: (message: ToCheckpointsView) => void,
  ) {}

  get isUnderWay(): boolean {
    return this.state === 'scoring';
  }

  /** Whether a person has asked for it in this view, and has not cancelled it. */
  get isWanted(): boolean {
    return this.state !== 'none' && this.state !== 'cancelled';
  }

  get number(): number {
    return this.generation;
  }

  /** Score what is not known yet. What goes wrong is part of what is told; what is no fault of a checkpoint is raised. */
  async score(priority: 'user' | 'background'): Promise<void> {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.generation += 1;
    this.state = 'scoring';
    this.notes = [];
    this.done = 0;
    this.tell();
    try {
      const probes = await this.choose();
      const there = await placesOf(this.run);
      const asked = thinned(there, mostPlaces);
      if (asked.length < there.length) this.notes.push(`${asked.length} of ${there.length} checkpoints are asked.`);
      this.asked = asked.length;
      this.remember(asked);
      await scoreUnderEach(
        asked,
        probes,
        (place, ids, from) => this.service.score(place, ids, { from, signal, priority }),
        {
          onScores: (place, probe, { logProb }) => {
            this.known.set(keyOf(asked[place], probe), logProb.map(Math.exp));
            this.done += 1;
            if (performance.now() - this.toldAt >= tellEveryMs) this.tell();
          },
          onProblem: (place, problem) => {
            this.notes.push(`${asked[place]?.name ?? ''} is left out. ${problem.message}`);
          },
        },
      );
      signal.throwIfAborted();
      this.state = 'done';
    } catch (error) {
      this.state = signal.aborted ? 'cancelled' : 'failed';
      noteEnd(error, signal, this.notes);
    } finally {
      this.tell();
    }
  }

  cancel(): void {
    this.stop.abort(new DOMException('The probes were cancelled.', 'AbortError'));
  }

  tell(): void {
    this.toldAt = performance.now();
    const { probes } = this;
    this.send({
      kind: 'strip',
      generation: this.generation,
      state: this.state,
      done: this.done,
      of: this.asked * probes.length,
      isOfProbes: this.isOfProbes,
      probes: probes.map((probe, number) => this.toldProbe(probe, number)),
      notes: this.notes.map(visibleWords),
    });
  }

  /** The trace of a probe; undefined where there is none. */
  sequenceAt(probe: number): WholeSequence | undefined {
    return this.probes[probe];
  }

  /** Once there are probes they stay what they are; what stands in for them gives way to them. */
  private async choose(): Promise<readonly WholeSequence[]> {
    if (this.isOfProbes && this.probes.length > 0) return this.probes;
    const { store } = this.run;
    const { isOfProbes, rows } = probeRows(store);
    const { sequences } = await readSequences(store, rows, { sequences: mostProbes, tokens: mostTokensRead });
    const names = (list: readonly WholeSequence[]): string => list.map(({ id }) => id).join();
    if (names(sequences) !== names(this.probes)) this.known.clear();
    this.isOfProbes = isOfProbes;
    this.probes = sequences;
    return sequences;
  }

  private toldProbe({ label, prompt, verdict, trace }: WholeSequence, number: number): StripProbe {
    const tokens = tokenCount(trace);
    const shown = Math.min(tokens, mostTokens);
    return {
      ...{ label, prompt, verdict, tokens },
      words: Array.from({ length: shown }, (_, token) => shownText(tokenText(trace, token))),
      rows: thinned(
        this.places.flatMap((place) => {
          const probability = this.known.get(keyOf(place, number));
          return probability === undefined ? [] : [{ name: place.name, probability: probability.slice(0, shown) }];
        }),
        mostPlaces,
      ),
    };
  }

  private remember(asked: readonly CheckpointPlace[]): void {
    const folders = new Set(asked.map(({ folder }) => folder));
    const others = this.places.filter(({ folder }) => !folders.has(folder));
    this.places = [...others, ...asked].sort((one, other) => (one.step ?? -1) - (other.step ?? -1));
  }
}

function keyOf(place: CheckpointPlace | undefined, probe: number): string {
  return `${probe} ${place?.folder ?? ''}`;
}
