import type { TokensMessage } from '../core/generated/analyses';
import { pullStreams, sequenceSources } from '../core/pullStreams';
import { blankPlot, exactly, type AnalysisFigure, type PlotSeries } from './analysisPlot';
import { sourceLooks, streamLooks } from './analysisStreams';

const notInPaper = 'of arXiv 2506.19767; not drawn there';

/** How much of the pull, and of the tokens, lies at which entropy. */
export function entropyFigure({ histogram }: TokensMessage): AnalysisFigure {
  const { edges, tokens, mass } = histogram;
  const bins = tokens.length / pullStreams.length;
  const last = lastFilled(tokens, bins);
  const ends = Float64Array.from(edges, Math.log10);
  const middles = Float64Array.from({ length: last + 1 }, (_, bin) => ((ends[bin] ?? 0) + (ends[bin + 1] ?? 0)) / 2);
  const part = (values: Float64Array, stream: number): Float64Array =>
    values.subarray(stream * bins, stream * bins + last + 1);
  const allMass = sum(mass);
  const allTokens = sum(tokens);
  const byBin = middles.map((_, bin) =>
    pullStreams.reduce((count, __, stream) => count + (part(tokens, stream)[bin] ?? 0), 0),
  );
  const layers = pullStreams.flatMap((stream, place): PlotSeries[] => {
    const values = part(mass, place);
    return sum(values) > 0
      ? [
          exactly(
            { ...streamLooks[stream], label: `pull: ${streamLooks[stream].label}`, shape: 'layer' },
            middles,
            shareOf(values, allMass),
          ),
        ]
      : [];
  });
  const counts: PlotSeries[] =
    allTokens > 0
      ? [
          exactly(
            { label: 'tokens of the streams', colour: 'text', shape: 'points' },
            middles,
            shareOf(byBin, allTokens),
          ),
        ]
      : [];
  return {
    id: 'entropy',
    title: 'Pull by entropy',
    sentence:
      'Most tokens are nearly certain. Where bars are higher than the line, the update pulls harder than the tokens’ number alone would say.',
    source: `entropy of Eq. 8 and 12 ${notInPaper}`,
    plots: [
      {
        ...blankPlot,
        name: 'Pull by entropy',
        height: 220,
        x: { kind: 'entropy', label: 'entropy, nats', range: [ends[0] ?? 0, ends[last + 1] ?? 1] },
        left: { label: 'share, in bins of a fifth of a decade', range: null },
        series: [...layers, ...counts],
        asBars: true,
        otherwise: 'No token with an entropy and a pull has been read of these steps.',
      },
    ],
  };
}

/** Entropy along the response. */
export function profileFigure({ profile }: TokensMessage): AnalysisFigure {
  const positions = profile.mean.length / sequenceSources.length;
  const middles = Float64Array.from({ length: positions }, (_, place) => (100 * (place + 0.5)) / positions);
  const series = sequenceSources.flatMap((source, place): PlotSeries[] => {
    const part = (values: Float64Array): Float64Array => values.subarray(place * positions, (place + 1) * positions);
    const mean = part(profile.mean);
    if (!mean.some(Number.isFinite)) return [];
    const sequences = Math.max(...part(profile.count));
    return [
      {
        ...exactly({ ...sourceLooks[source], shape: 'points' }, middles, mean),
        label: `${sourceLooks[source].label} (${sequences.toLocaleString('en-US')})`,
        // One sequence has no interval: its point stands alone.
        low: part(profile.low).map((value, at) => (Number.isFinite(value) ? value : (mean[at] ?? NaN))),
        high: part(profile.high).map((value, at) => (Number.isFinite(value) ? value : (mean[at] ?? NaN))),
      },
    ];
  });
  return {
    id: 'profile',
    title: 'Entropy by position',
    sentence:
      'Where in the response the policy hesitates, and whether wrong answers hesitate elsewhere; bars are 95 % over sequences.',
    source: `entropy of Eq. 8 and 12 ${notInPaper}`,
    plots: [
      {
        ...blankPlot,
        name: 'Entropy by position',
        height: 320,
        x: { kind: 'position', label: 'position, % of the response', range: [0, 100] },
        left: { label: 'mean entropy, nats', range: null },
        series,
        otherwise: 'No entropy of a token has been read of these steps.',
      },
    ],
  };
}

/** f(p) of the tokens of demonstrations. */
export function ratioFigure({ ratio }: TokensMessage): AnalysisFigure {
  const bins = ratio?.tokens.length ?? 1;
  const all = ratio === null ? 0 : sum(ratio.tokens);
  const middles = Float64Array.from({ length: bins }, (_, bin) => (bin + 0.5) / bins);
  const name = ratio === null ? 'f(p)' : ratio.gamma === null ? 'f(p) = p' : `f(p) = p / (p + ${ratio.gamma})`;
  return {
    id: 'ratio',
    title: 'Ratio of demonstration tokens',
    sentence:
      'Tokens that the policy would write itself lie right; those at the left are new to it, and the reinforcement of demonstrations lifts them.',
    source: `the ratio of Eq. 10 ${notInPaper}`,
    plots: [
      {
        ...blankPlot,
        name: 'Ratio of demonstration tokens',
        height: 180,
        x: { kind: 'ratio', label: 'f(p)', range: [0, 1] },
        left: { label: 'share of demonstration tokens, logarithmic', range: 'logarithmic' },
        series:
          ratio === null || all === 0
            ? []
            : [
                exactly(
                  { label: name, colour: 'demo', pattern: 'dots', shape: 'layer' },
                  middles,
                  shareOf(ratio.tokens, all),
                ),
              ],
        asBars: true,
        otherwise:
          ratio === null
            ? 'The method of this run has no ratio f(p), or its recipe does not say which.'
            : 'No log-prob of a demonstration token has been read of these steps.',
      },
    ],
  };
}

function lastFilled(tokens: Float64Array, bins: number): number {
  let last = 0;
  tokens.forEach((count, place) => {
    if (count > 0) last = Math.max(last, place % bins);
  });
  return last;
}

function shareOf(values: Float64Array, all: number): Float64Array {
  return values.map((value) => value / all);
}

function sum(values: Float64Array): number {
  return values.reduce((before, value) => before + value, 0);
}
