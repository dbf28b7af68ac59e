import { meanSurprise, surprised, type Surprise } from '../../../core/checkpointDifference';
import type { PathMessage, ToCheckpointsView } from '../../../core/generated/checkpoints';
import { isCurrentEvaluation } from '../../../core/headerEvaluations';
import type { RunModel } from '../../../core/runModel';
import { visibleWords } from '../../../core/visibleWords';
import { scoreUnderEach } from '../../checkpoints/underCheckpoints';
import { readSequences, referenceSets, type WholeSequence } from '../../runs/comparedRows';
import type { RunWatch } from '../../runs/runWatch';
import { placesOf, type CheckpointPlace } from './checkpointPlaces';
import type { CheckpointService } from './checkpointService';
import { noteEnd } from './noteEnd';

/** Sequences of a reference set, and their tokens with prompts: every checkpoint is asked about each. */
export const mostReferences = 32;
const mostReferenceTokens = 16_000;
const tellEveryMs = 200;

interface Reference {
  readonly label: string;
  readonly sequences: readonly WholeSequence[];
}

/** How likely reference texts are under each checkpoint of a run: mean −log p, in nats a token. */
export class PathWork {
  private readonly stop = new AbortController();
  private state: PathMessage['state'] = 'scoring';
  private places: readonly CheckpointPlace[] = [];
  private references: readonly Reference[] = [];
  /** By checkpoint and set, with the number of sequences that were summed. */
  private readonly sums = new Map<string, Surprise & { readonly sequences: number }>();
  private readonly notes: string[] = [];
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

  /** Measure; what goes wrong is part of what is told. What is no fault of a checkpoint is raised. */
  async measure(): Promise<void> {
    const { signal } = this.stop;
    this.tell();
    try {
      this.places = await placesOf(this.run);
      this.references = await this.readReferences();
      this.tell();
      await this.score(signal);
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
    this.stop.abort(new DOMException('The measurement was cancelled.', 'AbortError'));
  }

  tell(): void {
    this.toldAt = performance.now();
    this.send({
      kind: 'path',
      state: this.state,
      done: this.done,
      of: this.places.length * this.references.reduce((sum, { sequences }) => sum + sequences.length, 0),
      sets: this.references.map(({ label, sequences }) => ({
        label,
        sequences: sequences.length,
        tokens: sequences.reduce((sum, { ids, promptTokens }) => sum + ids.length - promptTokens, 0),
      })),
      points: this.places.map(({ name, step }, place) => ({
        name,
        accuracy: accuracyAt(this.run.store.model, step),
        surprise: this.references.map((_, set) => this.surpriseOf(place, set)),
      })),
      notes: this.notes.map(visibleWords),
    });
  }

  /** While scores come: not with each, for those that are known come all at once. */
  private tellNow(): void {
    if (performance.now() - this.toldAt >= tellEveryMs) this.tell();
  }

  private async readReferences(): Promise<Reference[]> {
    const read: Reference[] = [];
    for (const { label, rows } of referenceSets(this.run.store)) {
      const { sequences } = await readSequences(this.run.store, rows, {
        sequences: mostReferences,
        tokens: mostReferenceTokens,
      });
      if (sequences.length > 0) read.push({ label, sequences });
    }
    if (read.length === 0) this.notes.push('No rollout of this run has its tokens, so there is nothing to measure by.');
    return read;
  }

  /** All sets at once for each checkpoint, so that each is loaded once. */
  private async score(signal: AbortSignal): Promise<void> {
    const asked = this.references.flatMap(({ sequences }, set) => sequences.map((sequence) => ({ set, ...sequence })));
    await scoreUnderEach(this.places, asked, (place, ids, from) => this.service.score(place, ids, { from, signal }), {
      onScores: (place, sequence, { logProb }) => {
        const key = keyOf(place, asked[sequence]?.set ?? 0);
        const before = this.sums.get(key);
        this.sums.set(key, { ...surprised(logProb, before), sequences: (before?.sequences ?? 0) + 1 });
        this.done += 1;
        this.tellNow();
      },
      onProblem: (place, problem) => {
        this.notes.push(`${this.places[place]?.name ?? ''} is left out. ${problem.message}`);
      },
    });
  }

  /** Known once the whole set was scored: a mean over a part of it is no point of the path. */
  private surpriseOf(place: number, set: number): number | null {
    const sum = this.sums.get(keyOf(place, set));
    return sum === undefined || sum.sequences < (this.references[set]?.sequences.length ?? 0)
      ? null
      : meanSurprise(sum);
  }
}

function keyOf(place: number, set: number): string {
  return `${place} ${set}`;
}

/** Held-out accuracy with the weights of a step; the base is step 0. */
function accuracyAt({ checkpoints, evaluations }: RunModel, step: number | null): number | null {
  const saved = checkpoints.findLast((event) => event.step === step)?.accuracy ?? null;
  const evaluated = evaluations.findLast((event) => isCurrentEvaluation(event) && event.step === (step ?? 0));
  return saved ?? evaluated?.greedy['accuracy']?.value ?? null;
}
