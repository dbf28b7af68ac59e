import type { PullStream, SequenceSource } from '../core/pullStreams';
import type { PlotSeries } from './analysisPlot';

type Look = Pick<PlotSeries, 'label' | 'colour' | 'dash' | 'pattern'>;

/** How a stream is told apart: its source by the colour, itself by dash and pattern, and in the scatter by its shape. */
export const streamLooks: Readonly<Record<PullStream, Look>> = {
  right: { label: 'own, right', colour: 'right', dash: [], pattern: 'solid' },
  wrong: { label: 'own, wrong', colour: 'wrong', dash: [2, 2], pattern: 'hatch' },
  imitation: { label: 'demonstration, imitation', colour: 'demo', dash: [8, 3], pattern: 'solid' },
  reinforcement: { label: 'demonstration, reinforcement', colour: 'demo', dash: [8, 3, 2, 3], pattern: 'dots' },
};

/** How sequences are told apart. */
export const sourceLooks: Readonly<Record<SequenceSource, Look>> = {
  right: { label: 'right', colour: 'right', dash: [], pattern: 'solid' },
  wrong: { label: 'wrong', colour: 'wrong', dash: [2, 2], pattern: 'hatch' },
  demonstration: { label: 'demonstrations', colour: 'demo', dash: [8, 3], pattern: 'solid' },
};
