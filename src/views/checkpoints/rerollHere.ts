import { randomInt } from 'node:crypto';
import { seedOfRow, type RecordToken, type Reroll } from '../../../core/rerolls';
import { decodeUtf8 } from '../../../core/utf8';
import { visibleWords } from '../../../core/visibleWords';
import type { Scores } from '../../checkpoints/languageModel';
import type { SpelledTokens } from '../../checkpoints/tokenizerAnswers';
import { CheckpointProblem } from '../../inference/problem';
import { groupKey } from '../../runs/groupMessage';
import { keptAlternatives, type CheckpointService } from './checkpointService';
import { pickPlace, type CheckpointPlace } from './checkpointPlaces';
import type { CheckpointParts } from './index';
import {
  beginningOf,
  samplingOf,
  samplingWords,
  tokensOf,
  type Beginning,
  type RecipeSampling,
} from './rerollBeginning';
import { askForAlternative, askForAmount, type Alternative, type Amount, type Candidate } from './rerollQuestions';
import { writeRerolls } from './rerollWriting';
import { refuseOtherTokens } from './tokensOfTrace';

/** A fresh seed is short enough to be told and typed. */
const freshSeeds = 100_000;

/** What was asked for last, which is offered first. */
interface Before {
  readonly place: CheckpointPlace;
  readonly amount: Amount;
}

/** Lets a checkpoint go on from a token of a rollout, beside what training wrote. */
export class RerollHere {
  private before: Before | undefined;

  constructor(
    private readonly parts: CheckpointParts,
    private readonly service: CheckpointService,
  ) {}

  /** Ask which checkpoint, with what, how often; then write. `target` and `token`: what the command was called on. */
  async run(target: unknown, token: unknown): Promise<void> {
    const beginning = await beginningOf(this.parts.traces, target, token);
    if (beginning === undefined) return;
    try {
      await this.from(beginning);
    } catch (error) {
      await this.service.tell(error);
    }
  }

  private async from(beginning: Beginning): Promise<void> {
    const { run, token, ids } = beginning;
    const sampling = samplingOf(run);
    const where = `Re-roll from token ${token + 1} of ${ids.length}`;
    const lastPlace = this.before?.place.run === run ? this.before.place : undefined;
    const place = await pickPlace(this.parts.library, run, `${where}: which checkpoint goes on?`, lastPlace);
    if (place === undefined) return;
    const { record, prompt: promptIds, promptBytes: prompt } = beginning;
    await refuseOtherTokens(this.service, place, record, { promptIds, prompt, ids });
    const scores = await this.scores(place, beginning, sampling, ids.subarray(token, token + 1));
    if (scores === undefined) return;
    const title = `${where} · ${place.name} · ${samplingWords(sampling)}, at most ${sampling.maxTokens} tokens`;
    const alternative = await askForAlternative(
      title,
      await this.candidates(place, beginning, scores),
      async (text) => (await this.service.ask(place, { kind: 'encode', text, special: false })).ids,
    );
    if (alternative === undefined) return;
    const left = sampling.maxTokens - token - alternative.ids.length;
    const { endTokens } = (await this.service.open(place)).parts.config;
    const isOver = endTokens.includes(alternative.ids.at(-1) ?? -1);
    if (left <= 0 && !isOver) {
      throw new CheckpointProblem(
        `its limit of ${sampling.maxTokens} tokens is reached here`,
        'rollouts.max_tokens of the recipe',
        'go on from an earlier token',
      );
    }
    const amount = isOver
      ? { rows: 1, seed: 0 }
      : await askForAmount(`${title} · ${alternative.words}`, randomInt(freshSeeds), this.before?.amount);
    if (amount === undefined) return;
    this.before = { place, amount };
    const common = await this.common(place, beginning, sampling, scores, alternative);
    if (common === undefined) return;
    await this.write(beginning, place, common, {
      amount,
      sampling: { ...sampling, maxTokens: Math.max(1, left) },
      endTokens,
    });
  }

  /** What a checkpoint says of the response up to the token, and of `next` behind it; undefined where it was cancelled. */
  private async scores(
    place: CheckpointPlace,
    { prompt, ids, token }: Beginning,
    { temperature }: RecipeSampling,
    next: Int32Array,
  ): Promise<Scores | undefined> {
    const all = Int32Array.from([...prompt, ...ids.subarray(0, token), ...next]);
    return this.service.withProgress(`SRFT: ${place.name} reads up to token ${token + 1}`, (signal, tell) =>
      this.service.score(place, all, {
        from: prompt.length,
        temperature: temperature === 0 ? 1 : temperature,
        signal,
        onProgress: (tokens) => {
          tell(tokens, all.length - prompt.length);
        },
      }),
    );
  }

  private async candidates(place: CheckpointPlace, { ids, token }: Beginning, scores: Scores): Promise<Candidate[]> {
    const kept = scores.topIds.length / scores.logProb.length;
    const top = scores.topIds.subarray(token * kept, (token + 1) * kept);
    const written = ids[token] ?? 0;
    const words = wordsOf(await this.service.ask(place, { kind: 'bytes', ids: Int32Array.of(written, ...top) }));
    const asWritten: Candidate = {
      id: written,
      words: words[0] ?? '',
      probability: Math.exp(scores.logProb[token] ?? NaN),
      rank: scores.rank[token] ?? 0,
      asWritten: true,
    };
    const others = Array.from(top, (id, rank): Candidate => ({
      id,
      words: words[rank + 1] ?? '',
      probability: Math.exp(scores.topLogProbs[token * kept + rank] ?? NaN),
      rank,
      asWritten: false,
    }));
    return [asWritten, ...others.filter(({ id }) => id !== written).slice(0, keptAlternatives)];
  }

  /** All tokens that the continuations have in common, with this checkpoint's figures; undefined where it was cancelled. */
  private async common(
    place: CheckpointPlace,
    beginning: Beginning,
    sampling: RecipeSampling,
    known: Scores,
    alternative: Alternative,
  ): Promise<RecordToken[] | undefined> {
    const { record, token, ids } = beginning;
    const isWritten = alternative.ids.length === 1 && alternative.ids[0] === ids[token];
    const isKnown = isWritten || alternative.ids.length === 0;
    const scores = isKnown ? known : await this.scores(place, beginning, sampling, alternative.ids);
    if (scores === undefined) return undefined;
    const before = tokensOf(record, token, scores);
    const spelled = await this.service.ask(place, { kind: 'bytes', ids: alternative.ids });
    return [...before, ...chosenTokens(spelled, scores, token)];
  }

  private async write(
    { run, row, address, prompt, token }: Beginning,
    place: CheckpointPlace,
    common: readonly RecordToken[],
    { amount, sampling, endTokens }: { amount: Amount; sampling: RecipeSampling; endTokens: readonly number[] },
  ): Promise<void> {
    const { traces, log } = this.parts;
    const rows = Array.from({ length: amount.rows }, (_, place) => place + 1);
    const group = groupKey(run.store, row);
    await writeRerolls({
      service: this.service,
      place,
      rerolls: traces.rerolls,
      judging: traces.judging.parts,
      log,
      run,
      row,
      group,
      title: `SRFT: ${amount.rows} re-rolls from token ${token + 1}, seed ${amount.seed}, ${place.name}`,
      common,
      made: rows.map((number): Omit<Reroll, 'number' | 'record' | 'state'> => ({
        checkpoint: place.name,
        seed: amount.seed,
        row: number,
        origin: address.id,
        shared: token,
        verdict: { kind: 'waiting' },
      })),
      request: {
        prefix: Int32Array.from([...prompt, ...common.map(({ id }) => id)]),
        seeds: rows.map((number) => seedOfRow(amount.seed, number)),
        firstPosition: common.length,
        maxTokens: sampling.maxTokens,
        sampling,
        endTokens,
      },
      onBegun: ([first]) => {
        if (first !== undefined) traces.groupPanels.showReroll(address, { run, row }, first.number, token);
      },
    });
  }
}

/** Tokens as people read them, in quotes. */
function wordsOf({ bytes, lengths }: SpelledTokens): string[] {
  let at = 0;
  return Array.from(lengths, (length) => {
    const text = decodeUtf8(bytes.subarray(at, at + length));
    at += length;
    return `"${visibleWords(text)}"`;
  });
}

function chosenTokens(
  { ids, bytes, lengths }: SpelledTokens,
  { logProb, entropy }: Scores,
  from: number,
): RecordToken[] {
  let at = 0;
  return Array.from(ids, (id, place) => {
    const end = at + (lengths[place] ?? 0);
    const spelled = bytes.slice(at, end);
    at = end;
    return { id, logProb: logProb[from + place] ?? NaN, entropy: entropy[from + place] ?? NaN, bytes: spelled };
  });
}
