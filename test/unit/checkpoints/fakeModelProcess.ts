// A forked process as the real one is, around a model of a few lines that can be told to misbehave.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LanguageModel, LoadLanguageModel, Scores, Written } from '../../../src/checkpoints/languageModel';
import { serveModel } from '../../../src/checkpoints/serveModel';
import { CheckpointProblem } from '../../../src/inference/problem';
import { logProbOf, nextToken, type Behaviour } from './fakeModel';

const load: LoadLanguageModel = async (parts, options) => {
  const { vocabulary } = parts.config;
  // What a checkpoint does is written where its name would stand.
  const behaviour = JSON.parse(options.providers[0] ?? '{}') as Behaviour;
  const isFirst = !existsSync(join(options.folder, 'began'));
  if (behaviour.mark === true) writeFileSync(join(options.folder, 'began'), `${process.pid}`);
  misbehave(behaviour.atLoad, isFirst);
  if (behaviour.refuse === true) throw new CheckpointProblem('it is no model', 'config.json', 'take another');
  await Promise.resolve();
  return fakeModel(vocabulary, behaviour, isFirst);
};

function fakeModel(vocabulary: number, behaviour: Behaviour, isFirst: boolean): LanguageModel {
  return {
    provider: 'fake',
    async score({ ids, from, top }, goOn, done) {
      const count = ids.length - from;
      const scores: Scores = {
        logProb: new Float32Array(count),
        entropy: new Float32Array(count).fill(Math.log(vocabulary)),
        rank: new Int32Array(count),
        topIds: new Int32Array(count * top),
        topLogProbs: new Float32Array(count * top),
      };
      for (let at = 0; at < count; at += 1) {
        if (at % 8 === 0) {
          if (!(await goOn())) return undefined;
          block(behaviour.slowMs ?? 0);
          done(at);
          if (at >= (behaviour.after ?? 0)) misbehave(behaviour.atScore, isFirst);
        }
        scores.logProb[at] = logProbOf(ids[from + at - 1] ?? 0, ids[from + at] ?? 0, vocabulary);
      }
      return scores;
    },
    async write({ prefix, seeds, maxTokens, endTokens }, goOn, written) {
      const last = seeds.map(() => prefix.at(-1) ?? 0);
      const open = new Set(seeds.keys());
      for (let place = 0; place < maxTokens && open.size > 0; place += 1) {
        if (place % (behaviour.chunk ?? 1) === 0 && !(await goOn())) return false;
        if (place === behaviour.after) misbehave(behaviour.atWrite, isFirst);
        block(behaviour.slowMs ?? 0);
        const tokens: Written[] = [...open].map((row) => {
          const before = last[row] ?? 0;
          const id = nextToken(before, seeds[row] ?? 0n, place, vocabulary);
          last[row] = id;
          if (endTokens.includes(id)) open.delete(row);
          return { row, id, logProb: logProbOf(before, id, vocabulary), entropy: place };
        });
        written(tokens);
      }
      return true;
    },
    release: () => Promise.resolve(),
  };
}

function misbehave(deed: Behaviour['atLoad'], isFirst: boolean): void {
  if (deed === undefined || (deed.onlyFirst === true && !isFirst)) return;
  switch (deed.kind) {
    case 'kill':
      process.kill(process.pid, deed.signal);
      // The signal may take a moment.
      block(10_000);
      return;
    case 'exit':
      process.stderr.write('last words\n', () => undefined);
      process.exit(deed.code);
      return;
    case 'hang':
      for (;;) block(1000);
    case 'throw':
      throw new Error('a bug in the model');
  }
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

serveModel(load, (error) => error);
