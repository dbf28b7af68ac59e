/** Rollouts on either side of a comparison. */
export interface Sides {
  readonly before: number;
  readonly after: number;
}

/** Rollouts with a phrase. */
export interface Counts extends Sides {
  /** Of them, those that are right. */
  readonly rightBefore: number;
  readonly rightAfter: number;
}

/**
 * How clearly a share changed: the root of the log-likelihood ratio G² of the table of two shares, negative where the share
 * fell. With many rollouts it is spread as a standard normal deviate where nothing changed; with few it is more careful
 * than a test of two proportions. Rollouts of one prompt are alike, and are taken as independent all the same: it flatters.
 */
export function signedDeviance(before: number, ofBefore: number, after: number, ofAfter: number): number {
  const share = (before + after) / (ofBefore + ofAfter);
  const deviance =
    2 *
    (cell(before, ofBefore * share) +
      cell(ofBefore - before, ofBefore * (1 - share)) +
      cell(after, ofAfter * share) +
      cell(ofAfter - after, ofAfter * (1 - share)));
  const rose = Math.sign(after * ofBefore - before * ofAfter);
  // Rounding may leave a little less than nothing.
  return rose === 0 ? 0 : rose * Math.sqrt(Math.max(0, deviance));
}

/**
 * The score above which not even one of so many phrases would come by chance in twenty comparisons: P(|Z| > t) ≤ exp(−t²/2),
 * summed over all that were looked at.
 */
export function surelyAbove(phrases: number): number {
  return Math.sqrt(2 * Math.log(Math.max(1, phrases) / 0.05));
}

function cell(observed: number, expected: number): number {
  return observed <= 0 ? 0 : observed * Math.log(observed / expected);
}
