import { averages, highestRow, medians, runLengths, viewOf, type RunView } from './alertColumns';
import { countUpTo, valueAt } from './columns';
import type { Alert } from './generated/panel';
import type { RunModel } from './runModel';

/** When an alert is given. The settings `srft.alerts.*` hold one each. */
export interface AlertThresholds {
  /** Nats a token; below it, while many answers are wrong, the policy counts as collapsed. */
  readonly entropyFloor: number;
  /** Share by which entropy may fall in 20 steps while the reward does not rise. */
  readonly entropyFall: number;
  /** Length over the median of the 20 steps before. */
  readonly lengthFactor: number;
  /** Steps without any change of the reward. */
  readonly stuckSteps: number;
  /** Share of truncated rollouts. */
  readonly truncated: number;
  /** Share right in training minus held-out accuracy. */
  readonly heldOutGap: number;
  /** Gradient norm over the median of the 20 steps before. */
  readonly gradientFactor: number;
  /** Nats a token between the log-probs of sampling and of training. */
  readonly drift: number;
  /** Share of a step that goes into its records. */
  readonly recordingShare: number;
}

/** The defaults of the settings. */
export const defaultThresholds: AlertThresholds = {
  entropyFloor: 0.05,
  entropyFall: 0.4,
  lengthFactor: 2,
  stuckSteps: 20,
  truncated: 0.9,
  heldOutGap: 0.25,
  gradientFactor: 10,
  drift: 0.02,
  recordingShare: 0.1,
};

/** What is or was wrong with a run, in the order of its beginning. Pure: the same model gives the same alerts. */
export function alertsOf(model: RunModel, thresholds: AlertThresholds): Alert[] {
  const run = viewOf(model);
  const alerts = [
    ...entropyCollapse(run, thresholds),
    ...entropyFall(run, thresholds),
    ...lengthExplosion(run, thresholds),
    ...rewardStuck(run, thresholds),
    ...truncation(run, thresholds),
    ...heldOutGap(model, run, thresholds),
    ...gradientSpikes(run, thresholds),
    ...drift(run, thresholds),
    ...slowDisk(run, thresholds),
    ...nonFinite(model),
  ];
  return alerts.sort((a, b) => a.fromStep - b.fromStep || a.id.localeCompare(b.id));
}

/** Rows over which a figure is averaged before it is judged. */
const windowRows = 5;
/** Rows that stand for "before". */
const lookBack = 20;

function entropyCollapse(run: RunView, { entropyFloor }: AlertThresholds): Alert[] {
  const entropy = averages(run, 'entropy/rollout', windowRows);
  const right = averages(run, 'rollouts/correct', windowRows);
  // A policy that is right nearly always may be sure of itself.
  const holds = (row: number): boolean => valueAt(entropy, row) < entropyFloor && valueAt(right, row) < 0.8;
  return episodes(run, holds).map(({ from, to }) =>
    alert(run, 'entropy_collapse', from, to, 'entropy/rollout', {
      fact: `Entropy is ${nats(valueAt(entropy, to))} (floor ${entropyFloor}) while ${percent(valueAt(right, to))} of the rollouts are right`,
      consequence:
        'The policy hardly explores any more, so wrong answers will stay wrong; raise the temperature or fork earlier.',
    }),
  );
}

function entropyFall(run: RunView, { entropyFall: limit }: AlertThresholds): Alert[] {
  const entropy = averages(run, 'entropy/rollout', windowRows);
  const reward = averages(run, 'reward/mean', windowRows);
  const holds = (row: number): boolean => {
    const before = row - lookBack;
    if (before < windowRows - 1) return false;
    const fell = 1 - valueAt(entropy, row) / valueAt(entropy, before);
    return fell >= limit && valueAt(reward, row) - valueAt(reward, before) < 0.02;
  };
  return episodes(run, holds).map(({ from, to }) => {
    const before = valueAt(entropy, to - lookBack);
    const fell = percent(1 - valueAt(entropy, to) / before);
    const rewards = `${fixed(valueAt(reward, to - lookBack))} to ${fixed(valueAt(reward, to))}`;
    return alert(run, 'entropy_fall', from, to, 'entropy/rollout', {
      fact: `Entropy fell ${fell} in ${lookBack} steps (${nats(before)} to ${nats(valueAt(entropy, to))}) and the reward did not rise (${rewards})`,
      consequence: 'The rollouts grow alike without growing better: look at their openings in these steps.',
    });
  });
}

function lengthExplosion(run: RunView, { lengthFactor }: AlertThresholds): Alert[] {
  const now = averages(run, 'length/rollout', 3);
  const before = medians(run, 'length/rollout', lookBack);
  const holds = (row: number): boolean =>
    valueAt(now, row) >= lengthFactor * valueAt(before, row - 2) && valueAt(now, row) >= 16;
  return episodes(run, holds).map(({ from, to }) =>
    alert(run, 'length_explosion', from, to, 'length/rollout', {
      fact: `Responses have ${whole(valueAt(now, to))} tokens, ${fixed(valueAt(now, to) / valueAt(before, to - 2), 1)} times the ${whole(valueAt(before, to - 2))} of the steps before`,
      consequence: 'Long answers cost time and are cut off at the limit: read the longest rollout of these steps.',
    }),
  );
}

function rewardStuck(run: RunView, { stuckSteps }: AlertThresholds): Alert[] {
  const reward = run.metric('reward/mean');
  const right = run.metric('groups/all_right');
  const wrong = run.metric('groups/all_wrong');
  if (reward === undefined) return [];
  const still = runLengths(run, 'reward/mean', 1e-9);
  // Without a mixed group no rollout has an advantage. A run at full reward has nothing left to learn.
  const isUniform = (row: number): boolean =>
    right !== undefined && wrong !== undefined && valueAt(right, row) + valueAt(wrong, row) > 0.99;
  const holds = (row: number): boolean =>
    valueAt(still, row) >= stuckSteps && isUniform(row) && !(valueAt(right ?? reward, row) >= 1);
  return episodes(run, holds).map(({ from, to }) => {
    const first = Math.max(0, from - stuckSteps + 1);
    return alert(run, 'reward_stuck', first, to, 'reward/mean', {
      fact: `The reward has been ${fixed(valueAt(reward, to))} for ${to - first + 1} steps, and no group is mixed`,
      consequence:
        'Groups whose rollouts all score alike teach nothing: check the reward on a rollout, or take easier prompts.',
    });
  });
}

function truncation(run: RunView, { truncated: limit }: AlertThresholds): Alert[] {
  const truncated = averages(run, 'rollouts/truncated', 3);
  return episodes(run, (row) => valueAt(truncated, row) >= limit).map(({ from, to }) =>
    alert(run, 'truncated', from, to, 'rollouts/truncated', {
      fact: `${percent(valueAt(truncated, to))} of the rollouts reach the length limit`,
      consequence: 'An answer that is cut off earns nothing: raise sampling.max_tokens, or check the end tokens.',
    }),
  );
}

function heldOutGap(model: RunModel, run: RunView, { heldOutGap: limit }: AlertThresholds): Alert[] {
  const right = averages(run, 'rollouts/correct', windowRows);
  const gaps = model.evaluations
    .filter(({ name, checkpoint, step }) => name === 'evaluation' && checkpoint === 'current' && step > 0)
    .map(({ step, greedy }) => {
      const row = countUpTo(model.steps.step, step) - 1;
      const { value: heldOut = NaN, high = NaN } = greedy['accuracy'] ?? {};
      return { row, training: valueAt(right, row), heldOut, high };
    })
    // A small held-out set says little: what its interval allows is no gap.
    .filter(({ row, training, heldOut, high }) => row >= 0 && training - heldOut >= limit && training > high);
  return gaps.slice(-1).map(({ row, training, heldOut }) =>
    alert(run, 'held_out_gap', gaps[0]?.row ?? row, row, 'rollouts/correct', {
      fact: `${percent(training)} of the training rollouts are right, ${percent(heldOut)} of the held-out problems`,
      consequence:
        'The policy fits the training prompts more than the task: add prompts, or stop at the best checkpoint.',
    }),
  );
}

function gradientSpikes(run: RunView, { gradientFactor }: AlertThresholds): Alert[] {
  const norm = run.metric('gradient/norm');
  if (norm === undefined) return [];
  const before = medians(run, 'gradient/norm', lookBack);
  const holds = (row: number): boolean => valueAt(norm, row) >= gradientFactor * valueAt(before, row);
  return episodes(run, holds).map(({ from, to }) => {
    const highest = highestRow(norm, from, to);
    return alert(run, 'gradient_spike', from, to, 'gradient/norm', {
      fact: `The gradient norm was ${fixed(valueAt(norm, highest))} at step ${run.stepAt(highest)}, ${whole(valueAt(norm, highest) / valueAt(before, from))} times the median before`,
      consequence: 'Clipping bounds the update, not its direction: look at the rollouts of that step.',
    });
  });
}

function drift(run: RunView, { drift: limit }: AlertThresholds): Alert[] {
  const drifts = averages(run, 'logprob/drift', windowRows);
  return episodes(run, (row) => valueAt(drifts, row) >= limit).map(({ from, to }) =>
    alert(run, 'logprob_drift', from, to, 'logprob/drift', {
      fact: `The log-probs of sampling and of training differ by ${nats(valueAt(drifts, to))} a token`,
      consequence:
        'Ratios and rewards then belong to another policy than the one that is trained; take a finer number format for sampling.',
    }),
  );
}

function slowDisk(run: RunView, { recordingShare }: AlertThresholds): Alert[] {
  const record = averages(run, 'seconds/record', 10);
  const step = averages(run, 'seconds/step', 10);
  const holds = (row: number): boolean =>
    valueAt(record, row) >= recordingShare * valueAt(step, row) && valueAt(record, row) > 0.1;
  return episodes(run, holds).map(({ from, to }) =>
    alert(run, 'slow_disk', from, to, 'seconds/record', {
      fact: `Recording takes ${fixed(valueAt(record, to))} s of a step's ${fixed(valueAt(step, to))} s`,
      consequence: 'The disk of the run directory is slow: put runs on a local disk.',
    }),
  );
}

function nonFinite(model: RunModel): Alert[] {
  return model.nonFinite.map(({ step, seq, names, consequence }) => ({
    id: `non_finite:${seq}`,
    severity: 'error',
    fact: `Not finite at step ${step}: ${names.join(', ')}.`,
    consequence: `${consequence.charAt(0).toUpperCase()}${consequence.slice(1)}.`,
    fromStep: step,
    toStep: step,
    metric: names.find((name) => model.steps.metrics.has(name)) ?? null,
  }));
}

interface Episode {
  readonly from: number;
  readonly to: number;
}

/** Two stretches closer than this are one. */
const joinRows = 3;

/** Stretches of rows for which `holds`. */
function episodes(run: RunView, holds: (row: number) => boolean): Episode[] {
  const found: Episode[] = [];
  for (let row = 0; row < run.rows; row += 1) {
    if (!holds(row)) continue;
    const last = found.at(-1);
    if (last !== undefined && row - last.to <= joinRows) found[found.length - 1] = { from: last.from, to: row };
    else found.push({ from: row, to: row });
  }
  return found;
}

function alert(
  run: RunView,
  kind: string,
  from: number,
  to: number,
  metric: string,
  words: { readonly fact: string; readonly consequence: string },
): Alert {
  const fromStep = run.stepAt(from);
  const toStep = run.stepAt(to);
  const where = fromStep === toStep ? `step ${fromStep}` : `steps ${fromStep}–${toStep}`;
  return {
    id: `${kind}:${fromStep}`,
    severity: 'warning',
    fact: `${words.fact} (${where}).`,
    consequence: words.consequence,
    fromStep,
    toStep,
    metric,
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function nats(value: number): string {
  return `${value.toFixed(value < 0.1 ? 3 : 2)} nats`;
}

function fixed(value: number, digits = 2): string {
  return value.toFixed(digits);
}

function whole(value: number): string {
  return value.toFixed(0);
}
