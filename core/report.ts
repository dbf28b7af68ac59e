import type { PreviewAnswer, RunHeader } from './generated/panel';

/** Everything an exported report holds, as JSON; its page draws it as the panel does. */
export interface Report {
  readonly run: RunHeader;
  readonly pins: readonly string[];
  readonly smoothing: number;
  /** ISO 8601. */
  readonly written: string;
  readonly release: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly device: readonly (readonly [name: string, value: string])[];
  readonly curves: ReportCurves;
  readonly rollouts: readonly ReportRollout[];
  /** Own rollouts in the run, of which `rollouts` is a sample. */
  readonly rolloutCount: number;
}

/** Curves over ranges of rows: every row its own range while there are few enough. Numbers as base64 of their bytes. */
export interface ReportCurves {
  /** Rows of the run. */
  readonly rows: number;
  /** First row of each range, 32 bits each. */
  readonly first: string;
  /** Of each range's first row, 64 bits each. */
  readonly step: string;
  readonly tokens: string;
  readonly seconds: string;
  /** Extremes in 32 bits each; `high` is null where every range is one row. */
  readonly metrics: readonly { readonly name: string; readonly low: string; readonly high: string | null }[];
}

/** A rollout with its prompt. */
export interface ReportRollout extends Pick<
  PreviewAnswer,
  'row' | 'id' | 'record' | 'step' | 'prompt' | 'text' | 'characters' | 'figures' | 'note'
> {
  readonly correct: boolean;
  readonly pieces: readonly number[];
  /** Nats, rounded to what a tint and its tooltip show; null where none was recorded. */
  readonly entropy: readonly (number | null)[];
}
