import { thinned } from '../../../core/checkpointDifference';
import type { StripMessage, StripProbe, ToCheckpointsView } from '../../../core/generated/checkpoints';
import { tokenCount, tokenText } from '../../../core/trace';
import { visibleWords } from '../../../core/visibleWords';
import { scoreUnderEach } from '../../checkpoints/underCheckpoints';
import { CheckpointProblem } from '../../inference/problem';
import { probeRows, readSequences, type WholeSequence } from '../../runs/comparedRows';
import type { RunWatch } from '../../runs/runWatch';
import { placesOf, type CheckpointPlace } from './checkpointPlaces';
import type { CheckpointService } from './checkpointService';
import { shownText } from './comparisonWork';

/** Probes, checkpoints and tokens of a trace that are shown at most. */
const mostProbes = 8;
const mostPlaces = 24;
const mostTokens = 256;
/** Of all probes together, prompts included. */
const mostTokensRead = 32_000;

/** When tokens became likely: a fixed trace of each probe under every checkpoint of a run. */
export class StripWork {
  private stop = new AbortController();
  private state: StripMessage['state'] = 'none';
  private generation = 0;
  private isOfProbes = true;
  private places: readonly CheckpointPlace[] = [];
  /** Chosen when the strip is scored first, so that its columns stay what they are. */
  private probes: readonly WholeSequence[] | undefined;
  /** By checkpoint's folder and probe: [T] probabilities. */
  private readonly known = new Map<string, Float32Array>();
  private notes: string[] = [];
  private done = 0;

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
      const probes = (this.probes ??= await this.readProbes());
      const all = await placesOf(this.run);
      this.places = thinned(all, mostPlaces);
      if (this.places.length < all.length)
        this.notes.push(`${this.places.length} of ${all.length} checkpoints are shown.`);
      await scoreUnderEach(
        this.places,
        probes,
        (place, ids, from) => this.service.score(place, ids, { from, signal, priority }),
        {
          onScores: (place, probe, { logProb }) => {
            this.known.set(this.keyOf(place, probe), logProb.map(Math.exp));
            this.done += 1;
            this.tell();
          },
          onProblem: (place, problem) => {
            this.notes.push(`${this.places[place]?.name ?? ''} is left out. ${problem.message}`);
          },
        },
      );
      signal.throwIfAborted();
      this.state = 'done';
    } catch (error) {
      this.state = signal.aborted ? 'cancelled' : 'failed';
      if (error instanceof CheckpointProblem) this.notes.push(error.message);
      else if (!signal.aborted) {
        this.notes.push('A checkpoint could not be asked; the log has the details.');
        throw error;
      }
    } finally {
      this.tell();
    }
  }

  cancel(): void {
    this.stop.abort(new DOMException('The probes were cancelled.', 'AbortError'));
  }

  tell(): void {
    const probes = this.probes ?? [];
    this.send({
      kind: 'strip',
      generation: this.generation,
      state: this.state,
      done: this.done,
      of: this.places.length * probes.length,
      isOfProbes: this.isOfProbes,
      probes: probes.map((probe, number) => this.toldProbe(probe, number)),
      notes: this.notes.map(visibleWords),
    });
  }

  /** The trace of a probe; undefined where there is none. */
  sequenceAt(probe: number): WholeSequence | undefined {
    return this.probes?.[probe];
  }

  private async readProbes(): Promise<readonly WholeSequence[]> {
    const { store } = this.run;
    const { isOfProbes, rows } = probeRows(store);
    this.isOfProbes = isOfProbes;
    const { sequences } = await readSequences(store, rows, { sequences: mostProbes, tokens: mostTokensRead });
    return sequences;
  }

  private toldProbe({ label, prompt, verdict, trace }: WholeSequence, number: number): StripProbe {
    const tokens = tokenCount(trace);
    const shown = Math.min(tokens, mostTokens);
    return {
      ...{ label, prompt, verdict, tokens },
      words: Array.from({ length: shown }, (_, token) => shownText(tokenText(trace, token))),
      rows: this.places.flatMap(({ name }, place) => {
        const probability = this.known.get(this.keyOf(place, number));
        return probability === undefined ? [] : [{ name, probability: probability.slice(0, shown) }];
      }),
    };
  }

  private keyOf(place: number, probe: number): string {
    return `${probe} ${this.places[place]?.folder ?? ''}`;
  }
}
