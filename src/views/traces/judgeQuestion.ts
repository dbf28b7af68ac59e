import { draftRequest, judgeRequest, type JudgeSettings } from '../../../core/judgeAgain';
import { read, type Read } from '../../../core/read';
import { rolloutText } from '../../../core/rolloutColumns';
import { traceOf, type Trace } from '../../../core/trace';
import type { RunWatch } from '../../runs/runWatch';

/** A rollout, and what the judge is asked about it. */
export interface JudgeQuestion {
  readonly trace: Trace;
  /** A line for `srft verify`. */
  readonly request: string;
}

/** The question about a stored rollout, or about what a person made of it; broken where its tokens were not kept. */
export async function judgeQuestion(run: RunWatch, row: number, draft?: string): Promise<Read<JudgeQuestion>> {
  const { store } = run;
  const [record, prompt] = await Promise.all([store.readRollout(row), store.readPrompt(row)]);
  if (record.kind === 'broken') return record;
  const trace = traceOf(record.value, prompt.kind === 'read' ? rolloutText(prompt.value) : '');
  const settings = judgeSettings(run, store.index.kinds[row]);
  const request =
    draft === undefined
      ? judgeRequest(trace, store.index, row, settings)
      : draftRequest(trace, store.index, row, settings, draft);
  return read({ trace, request });
}

type Section = Readonly<Record<string, unknown>>;

/** What `name` holds in a section of a recipe; empty where it holds none. */
export function sectionOf(value: unknown, name: string): Section {
  const section = typeof value === 'object' && value !== null ? (value as Section)[name] : undefined;
  return typeof section === 'object' && section !== null ? (section as Section) : {};
}

/** What the judge's question depends on, for a rollout of a kind. The recipe in run.json is whole: every default stands in it. */
export function judgeSettings(run: RunWatch, kind: string | undefined): JudgeSettings {
  const { recipe } = run.store.manifest;
  const tags = sectionOf(recipe, 'prompt')['think_tags'];
  const sampling =
    kind === 'evaluation'
      ? sectionOf(sectionOf(recipe, 'evaluation'), 'sampling')
      : kind === 'probe'
        ? sectionOf(sectionOf(recipe, 'probes'), 'sampling')
        : sectionOf(recipe, 'rollouts');
  const maxTokens = sampling['max_tokens'];
  return {
    openingTag: Array.isArray(tags) && typeof tags[0] === 'string' ? tags[0] : '<think>',
    maxTokens: typeof maxTokens === 'number' ? maxTokens : null,
  };
}
