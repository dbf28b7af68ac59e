import { computed } from '@preact/signals';
import type { RunHeader } from '../core/generated/panel';
import { runColour, type ColourName } from './colours';
import { pins, runs } from './page';
import { shortNames, variants } from './runVariants';

export type Pattern = 'solid' | 'dots' | 'hatch' | 'outline';

/** One metric of one run, and how it is told apart. */
export interface CurveSpec {
  readonly run: number;
  readonly metric: string;
  readonly label: string;
  readonly colour: ColourName;
  /** Of a line, and of a stack's layer where fills are off. */
  readonly dash: readonly number[];
  readonly pattern: Pattern;
}

/** The held-out accuracy of one run, with its intervals. */
export type HeldOutSpec = Pick<CurveSpec, 'run' | 'label' | 'colour' | 'dash'>;

/** A chart: its curves, and what is drawn besides. */
export interface PanelSpec {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly height: number;
  /** Curves drawn as lines. */
  readonly lines: readonly CurveSpec[];
  /** Curves stacked from zero, upwards and downwards. */
  readonly stack: readonly CurveSpec[];
  /** Runs whose held-out accuracy is drawn, with its intervals. */
  readonly heldOut: readonly HeldOutSpec[];
  /** Runs with other seeds of the same recipe, drawn as a mean within a band. */
  readonly bands: readonly { readonly label: string; readonly colour: ColourName; readonly runs: readonly number[] }[];
  readonly floor: number | null;
  readonly pinned: boolean;
}

/** The charts of the runs shown. */
export const panels = computed<readonly PanelSpec[]>(() =>
  runs.value.length > 1
    ? comparedPanels(runs.value, pins.value)
    : runs.value.flatMap((run) => panelsOf(run, pins.value)),
);

const dashed = [5, 3] as const;

function panelsOf(run: RunHeader, pinned: readonly string[]): PanelSpec[] {
  const has = new Set(run.metrics);
  const curve = (metric: string, label: string, colour: ColourName, more: Partial<CurveSpec> = {}): CurveSpec[] =>
    has.has(metric) || run.rows === 0 ? [{ run: 0, metric, label, colour, dash: [], pattern: 'solid', ...more }] : [];
  const terms = run.metrics.filter((name) => name.startsWith('loss/') && name !== 'loss/total');
  const fixed: PanelSpec[] = [
    {
      ...blank('loss', 'Loss anatomy', 'sum of terms', 150),
      lines: curve('loss/total', 'total', 'text'),
      stack: terms.map((metric, place) => ({
        run: 0,
        metric,
        dash: dashOf(place),
        ...termLook(metric.slice('loss/'.length)),
      })),
    },
    {
      ...blank('entropy', 'Entropy', 'nats / token', 106),
      lines: [
        ...curve('entropy/rollout', 'rollouts', 'rollout'),
        ...curve('entropy/demonstration', 'demos', 'demo', { dash: dashed }),
      ],
      floor: run.floors.entropy,
    },
    {
      ...blank('weights', 'Weights', '', 80),
      lines: [...curve('weight/sft', 'w SFT', 'demo', { dash: dashed }), ...curve('weight/rl', 'w RL', 'rollout')],
    },
    {
      ...blank('reward', 'Reward and accuracy', '', 116),
      lines: curve('reward/mean', 'reward', 'rollout'),
      heldOut: [{ run: 0, label: 'held-out', colour: 'heldOut', dash: [] }],
    },
    {
      ...blank('length', 'Response length', 'tokens', 90),
      lines: [
        ...curve('length/rollout', 'mean', 'rollout'),
        ...curve('length/longest', 'longest', 'timeOther', { dash: [2, 2] }),
      ],
    },
    {
      ...blank('time', 'Time per step', 's', 134),
      stack: timeParts.flatMap(([part, label, colour, pattern], place) =>
        curve(`seconds/${part}`, label, colour, { pattern, dash: dashOf(place) }),
      ),
    },
  ];
  const kept = fixed.filter(({ lines, stack }) => lines.length + stack.length > 0);
  return [...kept, ...pinned.map((metric) => pinnedPanel(metric, curve(metric, 'value', 'rollout')))];
}

const timeParts: readonly (readonly [string, string, ColourName, Pattern])[] = [
  ['generate', 'generate', 'timeGenerate', 'solid'],
  ['logprob', 'log-probs', 'timeScore', 'solid'],
  ['reward', 'reward', 'timeScore', 'dots'],
  ['train', 'train', 'timeTrain', 'solid'],
  ['record', 'record', 'timeTrain', 'dots'],
  ['evaluate', 'evaluate', 'timeOther', 'hatch'],
  ['checkpoint', 'checkpoint', 'timeOther', 'dots'],
  ['other', 'other', 'timeOther', 'outline'],
];

function termLook(term: string): Pick<CurveSpec, 'label' | 'colour' | 'pattern'> {
  const label = termLabels.get(term) ?? term.replaceAll('_', ' ');
  if (term === 'demo_rl') return { label, colour: 'demo', pattern: 'dots' };
  if (term.startsWith('demo')) return { label, colour: 'demo', pattern: 'solid' };
  if (term.startsWith('self')) return { label, colour: 'rollout', pattern: 'hatch' };
  return { label, colour: 'timeOther', pattern: 'outline' };
}

const termLabels = new Map([
  ['demo_sft', 'SFT, demo'],
  ['demo_rl', 'RL, demo'],
  ['self_rl', 'RL, rollouts'],
  ['self', 'rollouts'],
  ['entropy_bonus', 'entropy'],
]);

function blank(id: string, title: string, unit: string, height: number): PanelSpec {
  return { id, title, unit, height, lines: [], stack: [], heldOut: [], bands: [], floor: null, pinned: false };
}

function pinnedPanel(metric: string, lines: readonly CurveSpec[]): PanelSpec {
  return { ...blank(`pin:${metric}`, metric, '', 80), lines, pinned: true };
}

const comparedMetrics: readonly (readonly [string, string, string])[] = [
  ['loss/total', 'Loss', ''],
  ['entropy/rollout', 'Entropy', 'nats / token'],
  ['reward/mean', 'Reward', ''],
  ['length/rollout', 'Response length', 'tokens'],
  ['gradient/norm', 'Gradient norm', ''],
  ['seconds/step', 'Time per step', 's'],
];

function comparedPanels(all: readonly RunHeader[], pinned: readonly string[]): PanelSpec[] {
  const groups = variants(all);
  const names = shortNames(all);
  const panelOf = (metric: string, base: PanelSpec): PanelSpec => {
    const lines: CurveSpec[] = all.flatMap((run, place) =>
      run.metrics.includes(metric)
        ? [
            {
              run: place,
              metric,
              label: names[place] ?? run.name,
              ...lookOfRun(groups, place),
            },
          ]
        : [],
    );
    const bands = groups
      .map((members, place) => ({
        label: `bold: mean of ${members.length} seeds`,
        colour: runColour(place),
        runs: members,
      }))
      .filter(({ runs: members }) => members.length > 1);
    return { ...base, lines, bands };
  };
  const heldOut: PanelSpec = {
    ...blank('heldOut', 'Held-out accuracy', '', 106),
    heldOut: all.map(({ name }, run) => ({ run, label: names[run] ?? name, ...lookOfRun(groups, run) })),
  };
  const single = comparedMetrics.map(([metric, title, unit]) => panelOf(metric, blank(metric, title, unit, 100)));
  const drawn = [...single, ...pinned.map((metric) => panelOf(metric, pinnedPanel(metric, [])))];
  return [...drawn.slice(0, 3), heldOut, ...drawn.slice(3)].filter(
    ({ lines, heldOut: shown }) => lines.length + shown.length > 0,
  );
}

const dashes: readonly (readonly number[])[] = [
  [],
  [6, 3],
  [2, 2],
  [8, 3, 2, 3],
  [12, 3],
  [1, 4],
  [5, 2, 1, 2, 1, 2],
  [3, 6],
];

/** Eight curves are told apart without their colours. */
function dashOf(place: number): readonly number[] {
  return dashes[place % dashes.length] ?? [];
}

/** How a compared run is told apart: its group by the colour, itself by the dashes. */
export function lookOfRun(
  groups: readonly (readonly number[])[],
  place: number,
): Pick<CurveSpec, 'colour' | 'dash' | 'pattern'> {
  return { colour: runColour(groupOf(groups, place)), dash: dashOf(place), pattern: 'solid' };
}

function groupOf(groups: readonly (readonly number[])[], run: number): number {
  return Math.max(
    0,
    groups.findIndex((members) => members.includes(run)),
  );
}
