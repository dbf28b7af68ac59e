import type { AnalysedRun, RunMessage, TokensMessage } from '../core/generated/analyses';
import { pullStreams, sharesOf } from '../core/pullStreams';
import { visibleWords } from '../core/visibleWords';
import { blankPlot, exactly, type AnalysisFigure, type Plot, type PlotAxis, type PlotSeries } from './analysisPlot';
import { streamLooks } from './analysisStreams';

const paper = 'arXiv 2506.19767';
const dashed = [6, 3] as const;

/** The pictures of what the run's events say. */
export function stepFigures(message: RunMessage): AnalysisFigure[] {
  const { run, other } = message;
  const x = stepAxis([run, ...(other === null ? [] : [other])]);
  const own = stepAxis([run]);
  const base = { ...blankPlot, x: own, smoothing: message.smoothing };
  return [
    accuracyFigure(run, base),
    {
      id: 'dynamics',
      title: 'Reward, response length and entropy',
      sentence:
        'Learning lifts the reward; a collapse shows as an entropy that falls to nothing while responses grow shorter.',
      source: `after Fig. 6 of ${paper}`,
      plots: [
        comparedPlot({ ...base, x }, message, 'reward/mean', 'mean reward', ''),
        comparedPlot({ ...base, x }, message, 'length/rollout', 'response length', 'tokens'),
        comparedPlot({ ...base, x }, message, 'entropy/rollout', 'entropy', 'nats / token'),
      ],
    },
    {
      id: 'weights',
      title: 'Weights of the terms',
      sentence:
        'Demonstrations that surprise the policy weigh less, right answers of a hesitant policy more; the advantage of the demonstration falls as own answers come right.',
      source: `w SFT of Eq. 8, w RL of Eq. 12 and A of Eq. 7 of ${paper}; not drawn there`,
      plots: [
        {
          ...base,
          name: 'Weights',
          height: 130,
          left: { label: 'weight', range: null },
          series: [
            ...curveOf(run, 'weight/sft', { label: 'w SFT, demonstrations', colour: 'demo', dash: dashed }),
            ...curveOf(run, 'weight/rl', { label: 'w RL, right answers', colour: 'right' }),
          ],
          otherwise: 'This run has recorded no weights: its method has none.',
        },
        {
          ...base,
          name: 'Advantage of the demonstration',
          height: 120,
          left: { label: 'mean advantage', range: null },
          series: curveOf(run, 'advantage/demonstration', { label: 'A demonstration', colour: 'demo' }),
          otherwise: 'This run has recorded no advantage of demonstrations.',
        },
      ],
    },
  ];
}

type Base = Omit<Plot, 'name' | 'left' | 'otherwise'>;

function accuracyFigure(run: AnalysedRun, base: Base): AnalysisFigure {
  const { evaluations } = run;
  const at = Float64Array.from(evaluations, ({ step }) => step);
  const column = (of: (one: (typeof evaluations)[number]) => number | null): Float64Array =>
    Float64Array.from(evaluations, (one) => of(one) ?? NaN);
  const [, ...later] = run.phases;
  const changes = later.map(({ step, phase }, place) => ({
    x: step - 0.5,
    label: `${phaseName(run.phases[place]?.phase ?? '')} → ${phaseName(phase)}`,
  }));
  return {
    id: 'accuracy',
    title: 'Accuracy and entropy',
    sentence:
      changes.length === 0
        ? 'Accuracy on held-out problems, and how open the policy still is; this run has one phase.'
        : 'Accuracy on held-out problems, and how open the policy still is, on either side of the change of phase.',
    source: `after Fig. 4 of ${paper}`,
    plots: [
      {
        ...base,
        name: 'Accuracy and entropy',
        height: 230,
        left: { label: 'accuracy', range: [0, 1] },
        right: { label: 'entropy, nats / token', range: null },
        series: [
          {
            ...exactly(
              { label: 'held-out accuracy, 95 %', colour: 'heldOut', shape: 'points' },
              at,
              column(({ value }) => value),
            ),
            low: column(({ low }) => low),
            high: column(({ high }) => high),
            newest: evaluations.at(-1)?.value,
          },
          ...curveOf(run, 'entropy/rollout', { label: 'entropy of rollouts', colour: 'rollout', side: 'right' }),
          ...curveOf(run, 'entropy/demonstration', {
            label: 'entropy on demonstrations',
            colour: 'demo',
            dash: dashed,
            side: 'right',
          }),
          // Known in every phase: one that samples nothing has no rollouts.
          exactly(
            {
              label: 'entropy of held-out answers',
              colour: 'heldOut',
              dash: [2, 3],
              shape: 'points',
              side: 'right',
              newest: evaluations.at(-1)?.entropy,
            },
            at,
            column(({ entropy }) => entropy),
          ),
        ],
        marks: changes,
        otherwise: 'Neither an evaluation nor an entropy has been recorded yet.',
      },
    ],
  };
}

function comparedPlot(base: Base, { run, other }: RunMessage, metric: string, name: string, unit: string): Plot {
  const alone = other === null;
  return {
    ...base,
    name,
    height: 165,
    left: { label: unit === '' ? name : `${name}, ${unit}`, range: null },
    series: [
      ...curveOf(run, metric, { label: alone ? name : run.name, colour: alone ? 'rollout' : 'run0' }),
      ...(alone ? [] : curveOf(other, metric, { label: other.name, colour: 'run1', dash: dashed })),
    ],
    otherwise: `No ${name} has been recorded yet.`,
  };
}

/** Whose tokens pulled, step by step. */
export function pullFigure({ step: steps, mass: all }: TokensMessage): AnalysisFigure {
  const masses = pullStreams.map((_, stream) => all.subarray(stream * steps.length, (stream + 1) * steps.length));
  const shares = Array.from(steps, (_, place) => sharesOf(Float64Array.from(masses, (mass) => mass[place] ?? NaN)));
  // A step of which a stream is not known has no shares.
  const known = shares.flatMap((share, place) => (share.every(Number.isFinite) ? [place] : []));
  const at = Float64Array.from(known, (place) => steps[place] ?? NaN);
  const lines = pullStreams.map((stream, number) => ({ look: streamLooks[stream], mass: masses[number] ?? at }));
  const isThere = lines.filter(({ mass }) => mass.some((value) => value > 0));
  const base = { ...blankPlot, x: axisOfSteps(steps[0] ?? 0, steps.at(-1) ?? 1) };
  return {
    id: 'pull',
    title: 'Pull of the four streams',
    sentence:
      'Who moves the policy: its own right and wrong answers, or demonstrations by imitation and by reinforcement.',
    source: `the four parts of Eq. 13 of ${paper}; not drawn there`,
    plots: [
      {
        ...base,
        name: 'Share of the pull',
        height: 240,
        left: { label: 'share of Σ |pull|', range: [0, 1] },
        series: pullStreams.flatMap((stream, number) => {
          const value = Float64Array.from(known, (place) => shares[place]?.[number] ?? NaN);
          return value.some((share) => share > 0)
            ? [exactly({ ...streamLooks[stream], shape: 'layer', newest: value.at(-1) }, at, value)]
            : [];
        }),
        otherwise: 'No pull has been read of these steps.',
      },
      {
        ...base,
        name: 'Mass of the pull',
        height: 190,
        left: { label: 'Σ |pull| of the step', range: null },
        series: isThere.map(({ look, mass }) => exactly({ ...look, newest: mass.at(-1) }, steps, mass)),
        otherwise: 'No pull has been read of these steps.',
      },
    ],
  };
}

function curveOf(
  { step, curves }: AnalysedRun,
  metric: string,
  look: Pick<PlotSeries, 'label' | 'colour'> & Partial<PlotSeries>,
): PlotSeries[] {
  const curve = curves.find((one) => one.metric === metric);
  return curve === undefined ? [] : [{ ...exactly(look, step, curve.high), low: curve.low, newest: curve.newest }];
}

function stepAxis(runs: readonly AnalysedRun[]): PlotAxis {
  const ends = runs.flatMap(({ first, last, evaluations }) => [first, last, ...evaluations.map(({ step }) => step)]);
  return axisOfSteps(Math.min(...ends), Math.max(...ends));
}

function axisOfSteps(from: number, to: number): PlotAxis {
  return { kind: 'step', label: 'step', range: to > from ? [from, to] : [from - 0.5, from + 0.5] };
}

/** A method as people write it. */
export function phaseName(phase: string): string {
  const known = new Map([
    ['sft', 'SFT'],
    ['grpo', 'RL (GRPO)'],
    ['srft', 'SRFT'],
    ['luffy', 'LUFFY'],
  ]);
  return known.get(phase) ?? visibleWords(phase).slice(0, 24);
}
