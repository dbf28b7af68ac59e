import type { AnswerSampling, Prompt, Turn } from '../core/generated/playground';

/** What a person wrote and chose; survives hiding the view and a reload. */
export interface PlaygroundForm {
  readonly mode: Prompt['mode'];
  /** null: that of the run. */
  readonly system: string | null;
  /** What was said before. */
  readonly turns: readonly Turn[];
  readonly user: string;
  /** The prompt without a template. */
  readonly text: string;
  /** Sampling as it is written; what is missing is the run's. */
  readonly sampling: Partial<Readonly<Record<SamplingName, string>>>;
  readonly tint: 'none' | 'surprise' | 'entropy';
  readonly showsPrompt: boolean;
  /** What was asked last, and can be continued. */
  readonly asked: Prompt | null;
  /** Number of the trace's prompt that was taken over last. */
  readonly taken: number;
}

export type SamplingName = keyof AnswerSampling;

/** A figure of the sampling: its name on the page and what it may be. */
interface SamplingField {
  readonly name: SamplingName;
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly isWhole: boolean;
  /** What a person should write. */
  readonly rule: string;
}

export const samplingFields: readonly SamplingField[] = [
  field('temperature', 'Temperature', 0, 100, false, 'Temperature is a number from 0 (greedy) to 100.'),
  field('topP', 'Top-p', 1e-6, 1, false, 'Top-p is a number above 0 and at most 1, which keeps all.'),
  field('topK', 'Top-k', 0, 1_000_000, true, 'Top-k is a whole number from 0, which keeps all.'),
  field('minP', 'Min-p', 0, 1, false, 'Min-p is a number from 0, which keeps all, to 1.'),
  field('maxTokens', 'Max tokens', 1, 100_000, true, 'Max tokens is a whole number from 1 to 100,000.'),
  field('seed', 'Seed', 0, Number.MAX_SAFE_INTEGER, true, 'Seed is a whole number from 0 on.'),
];

export const emptyForm: PlaygroundForm = {
  mode: 'chat',
  system: null,
  turns: [],
  user: '',
  text: '',
  sampling: {},
  tint: 'surprise',
  showsPrompt: false,
  asked: null,
  taken: 0,
};

/** Sampling as it is written, or what is wrong with it: the names of figures and a rule each. */
export function samplingOf(
  written: PlaygroundForm['sampling'],
  defaults: AnswerSampling,
):
  | { readonly kind: 'good'; readonly sampling: AnswerSampling }
  | { readonly kind: 'wrong'; readonly fields: readonly SamplingField[] } {
  const values = samplingFields.map((each) => {
    const text = written[each.name];
    return { each, value: text === undefined ? defaults[each.name] : numberIn(text, each) };
  });
  const wrong = values.filter(({ value }) => value === undefined).map(({ each }) => each);
  if (wrong.length > 0) return { kind: 'wrong', fields: wrong };
  const changed = Object.fromEntries(values.map(({ each, value }) => [each.name, value])) as Partial<AnswerSampling>;
  return { kind: 'good', sampling: { ...defaults, ...changed } };
}

/** What is to be answered; null as long as nothing is written. `system` is that of the run. */
export function promptOf(form: PlaygroundForm, system: string): Prompt | null {
  const { mode, turns, user, text } = form;
  if (mode === 'raw') return text === '' ? null : { mode, turns: [], text };
  if (user.trim() === '') return null;
  const said: Turn[] = [...turns, { role: 'user', content: user }];
  const first = form.system ?? system;
  return {
    mode,
    turns: first.trim() === '' ? said : [{ role: 'system', content: first }, ...said],
    text: '',
  };
}

/** The form when an answer to what was asked is kept: the next thing to say stands behind it. */
export function continued(form: PlaygroundForm, answer: string): PlaygroundForm {
  const { asked } = form;
  if (asked === null) return form;
  if (asked.mode === 'raw') return { ...form, mode: 'raw', text: asked.text + answer, asked: null };
  const said = asked.turns.filter(({ role }) => role !== 'system');
  const isWritten = said.at(-1)?.content !== form.user;
  return {
    ...form,
    mode: 'chat',
    turns: [...said, { role: 'assistant', content: answer }],
    // What was written meanwhile is the next thing to say.
    user: isWritten ? form.user : '',
    asked: null,
  };
}

/** The form in what the page kept, whatever that is. */
export function restoredForm(state: unknown): PlaygroundForm {
  const kept = fieldsOf(fieldsOf(state)['form']);
  const text = (name: string): string => (typeof kept[name] === 'string' ? kept[name] : '');
  const sampling = fieldsOf(kept['sampling']);
  const tint = kept['tint'];
  return {
    mode: kept['mode'] === 'raw' ? 'raw' : 'chat',
    system: typeof kept['system'] === 'string' ? kept['system'] : null,
    turns: turnsIn(kept['turns']),
    user: text('user'),
    text: text('text'),
    sampling: Object.fromEntries(
      samplingFields.flatMap(({ name }) => (typeof sampling[name] === 'string' ? [[name, sampling[name]]] : [])),
    ),
    tint: tint === 'none' || tint === 'entropy' ? tint : 'surprise',
    showsPrompt: kept['showsPrompt'] === true,
    asked: askedIn(kept['asked']),
    taken: typeof kept['taken'] === 'number' ? kept['taken'] : 0,
  };
}

function askedIn(value: unknown): Prompt | null {
  const { mode, turns, text } = fieldsOf(value);
  if (mode !== 'chat' && mode !== 'raw') return null;
  return { mode, turns: turnsIn(turns), text: typeof text === 'string' ? text : '' };
}

function turnsIn(value: unknown): Turn[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return list.flatMap((item) => {
    const { role, content } = fieldsOf(item);
    const isRole = role === 'system' || role === 'user' || role === 'assistant';
    return isRole && typeof content === 'string' ? [{ role, content }] : [];
  });
}

function field(
  name: SamplingName,
  label: string,
  least: number,
  most: number,
  isWhole: boolean,
  rule: string,
): SamplingField {
  return { name, label, least, most, isWhole, rule };
}

function numberIn(text: string, { least, most, isWhole }: SamplingField): number | undefined {
  if (!/^\s*\d*\.?\d+(e-?\d+)?\s*$/i.test(text)) return undefined;
  const value = Number(text);
  const isGood = value >= least && value <= most && (!isWhole || Number.isSafeInteger(value));
  return isGood ? value : undefined;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
