import { countUpTo, valueAt } from '../../core/columns';
import type { AnalysedRun, TokenPoints, TokensMessage } from '../../core/generated/analyses';
import { isCurrentEvaluation } from '../../core/headerEvaluations';
import { pullStreams, sequenceSources } from '../../core/pullStreams';
import type { RunModel } from '../../core/runModel';
import { entropyEdges, massesByStep, positionBins, profileAt, type TokenAnalysis } from '../../core/tokenAnalysis';
import { tokensOf, type SampledToken } from '../../core/tokenSample';
import { decodeUtf8 } from '../../core/utf8';
import { visibleWords } from '../../core/visibleWords';
import { rangeCurves } from './panelAnswers';
import type { ReadingFigures, ReadRange } from './tokenReading';

/** Metrics that the pictures are of. */
const metrics = [
  'entropy/rollout',
  'entropy/demonstration',
  'reward/mean',
  'length/rollout',
  'weight/sft',
  'weight/rl',
  'advantage/demonstration',
];
/** Ranges of steps a curve is told in: about as many as a picture has pixels. */
const mostRanges = 500;
const longestWord = 24;

/** What the events of a run say of it. */
export function analysedRun(model: RunModel, name: string): AnalysedRun {
  const { step } = model.steps;
  const rows = step.length;
  const told = rangeCurves(model, { run: 0, metrics, from: 0, to: rows, buckets: mostRanges });
  return {
    name,
    first: rows === 0 ? 0 : valueAt(step, 0),
    last: rows === 0 ? 0 : valueAt(step, rows - 1),
    steps: model.stepsPlanned,
    phases: model.phases.flatMap(({ row, phase }) => (row < rows ? [{ step: valueAt(step, row), phase }] : [])),
    evaluations: model.evaluations.filter(isCurrentEvaluation).flatMap(({ step: at, greedy, metrics: figures }) => {
      const accuracy = greedy['accuracy'];
      const entropy = figures['entropy'] ?? null;
      return accuracy === undefined ? [] : [{ step: at, ...accuracy, entropy }];
    }),
    step: told.step,
    curves: told.curves.map((curve) => ({ ...curve, newest: newestOf(model, curve.metric) })),
  };
}

/** Of the newest step; null where it has none, or none that is a number. */
function newestOf({ steps }: RunModel, metric: string): number | null {
  const curve = steps.metrics.get(metric)?.curve;
  const value = curve === undefined ? NaN : valueAt(curve.values, steps.step.length - 1);
  return Number.isFinite(value) ? value : null;
}

/** What the tokens say, as far as they were read, and the tokens behind the points. */
export function tokensMessage(
  analysis: TokenAnalysis,
  figures: ReadingFigures,
  range: ReadRange,
  reading: number,
): { readonly message: TokensMessage; readonly points: readonly SampledToken[] } {
  const points = tokensOf(analysis.sample);
  const steps = massesByStep(analysis);
  return {
    points,
    message: {
      kind: 'tokens',
      reading,
      ...range,
      share: figures.share,
      sequences: analysis.sequences,
      sequencesThere: figures.sequencesThere,
      tokens: analysis.tokens,
      tokensThere: figures.tokensThere,
      notes: notesOf(analysis, figures),
      step: Float64Array.from(steps, ({ step }) => step),
      mass: joined(pullStreams.map((_, stream) => steps.map(({ masses }) => masses[stream] ?? NaN))),
      histogram: { edges: entropyEdges(), tokens: analysis.entropyTokens.slice(), mass: analysis.entropyMass.slice() },
      profile: profileOf(analysis),
      ratio:
        analysis.ratio === null
          ? null
          : {
              gamma: analysis.ratio.kind === 'shaped' ? analysis.ratio.gamma : null,
              tokens: analysis.ratioTokens.slice(),
            },
      points: pointsOf(points),
      pointsOf: analysis.sample.seen,
    },
  };
}

function profileOf(analysis: TokenAnalysis): TokensMessage['profile'] {
  const places = sequenceSources.flatMap((source) =>
    Array.from({ length: positionBins }, (_, position) => profileAt(analysis, source, position)),
  );
  return {
    count: Float64Array.from(places, ({ count }) => count),
    mean: Float64Array.from(places, ({ mean }) => mean),
    low: Float64Array.from(places, ({ low }) => low),
    high: Float64Array.from(places, ({ high }) => high),
  };
}

function pointsOf(points: readonly SampledToken[]): TokenPoints {
  return {
    entropy: Float32Array.from(points, ({ entropy }) => entropy),
    pull: Float32Array.from(points, ({ pull }) => pull),
    probability: Float32Array.from(points, ({ probability }) => probability),
    stream: Int32Array.from(points, ({ stream }) => pullStreams.indexOf(stream)),
    step: Int32Array.from(points, ({ step }) => step),
    token: Int32Array.from(points, ({ token }) => token),
    words: points.map(({ bytes }) => `"${visibleWords(decodeUtf8(bytes.subarray(0, longestWord)))}"`),
  };
}

function notesOf(analysis: TokenAnalysis, { oneOf, notKept, troubles }: ReadingFigures): string[] {
  const notes = [...troubles];
  if (oneOf > 1)
    notes.push(
      `One sequence of ${oneOf} was read, chosen by its id; sums of a step are estimated from those of it that were.`,
    );
  if (notKept > 0) notes.push(`The tokens of ${counted(notKept, 'sequence')} were not kept.`);
  if (analysis.sequences > 0 && analysis.sample.seen === 0)
    notes.push('No pull of a token was recorded: shares, histogram and scatter have nothing to show.');
  else if (analysis.withoutPull > 0) notes.push(`${counted(analysis.withoutPull, 'pull')} of no finite size left out.`);
  if (analysis.withoutEntropy > 0)
    notes.push(`${counted(analysis.withoutEntropy, 'token')} without an entropy left out.`);
  return notes;
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

function joined(rows: readonly (readonly number[])[]): Float64Array {
  return Float64Array.from(rows.flat());
}

/** Steps of a range that a run has: its first, where none is named. */
export function rangeOf(model: RunModel, from: number | null, to: number | null): ReadRange {
  const { step } = model.steps;
  const first = countUpTo(step, 0) < step.length ? valueAt(step, countUpTo(step, 0)) : 1;
  return { from: from ?? first, to: to === null ? null : Math.max(to, from ?? first) };
}
