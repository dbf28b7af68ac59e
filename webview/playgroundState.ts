import { computed, effect, signal } from '@preact/signals';
import type { AnswerNews, PlaygroundSetup, ShownPrompt } from '../core/generated/playground';
import { tokenAt, withNews, type AnswerBlocks, type AnswerToken } from './answerTokens';
import { continued, promptOf, restoredForm, samplingOf, type PlaygroundForm } from './playgroundForm';
import { listen, post } from './playgroundHost';
import { keepState, keptState } from './vsCodeApi';

/** What the view knows of an answer: the newest message without its tokens, and all tokens. */
export interface ShownAnswer {
  readonly news: Pick<AnswerNews, 'answer' | 'state' | 'seconds' | 'provider' | 'problem' | 'speed'>;
  readonly blocks: AnswerBlocks;
  /** When that was told, by `performance.now()`. */
  readonly at: number;
}

/** A token that a person looks at. */
export interface TokenPlace {
  readonly column: number;
  readonly token: number;
}

/** Which checkpoints answer; null before the host said so. */
export const setup = signal<PlaygroundSetup | null>(null);
/** By column. */
export const answers = signal<ReadonlyMap<number, ShownAnswer>>(new Map());
/** By column. */
export const prompts = signal<ReadonlyMap<number, ShownPrompt>>(new Map());
export const form = signal<PlaygroundForm>(restoredForm(keptState()));
export const pointed = signal<TokenPlace | null>(null);

export const pointedToken = computed((): AnswerToken | undefined => {
  const place = pointed.value;
  const answer = place === null ? undefined : answers.value.get(place.column);
  return place === null || answer === undefined ? undefined : tokenAt(answer.blocks, place.token);
});

/** Answers are being made. */
export const isBusy = computed(() => [...answers.value.values()].some(({ news }) => isGoingOn(news.state)));

/** More may come of an answer. */
export function isGoingOn(state: AnswerNews['state']): boolean {
  return state === 'waiting' || state === 'loading' || state === 'writing';
}

export function change(more: Partial<PlaygroundForm>): void {
  form.value = { ...form.peek(), ...more };
}

/** The prompt as it is written; null where there is none. */
export const prompt = computed(() => promptOf(form.value, setup.value?.system ?? ''));

/** Sampling as it is written, or what is wrong with it; null before the host said how the run sampled. */
export const sampling = computed(() =>
  setup.value === null ? null : samplingOf(form.value.sampling, setup.value.defaults),
);

export const canRun = computed(
  () => setup.value?.trouble === '' && prompt.value !== null && sampling.value?.kind === 'good',
);

/** Have every checkpoint answer what is written. */
export function run(): void {
  const [asked, how] = [prompt.peek(), sampling.peek()];
  if (!canRun.peek() || asked === null || how?.kind !== 'good') return;
  pointed.value = null;
  change({ asked });
  // What was there before is gone at once.
  answers.value = new Map((setup.peek()?.checkpoints ?? []).map((_, column) => [column, notYet()]));
  post({ kind: 'run', prompt: asked, sampling: how.sampling });
}

export function stop(): void {
  post({ kind: 'stop' });
}

/** Show or hide what the checkpoints are given. */
export function togglePrompt(): void {
  change({ showsPrompt: !form.peek().showsPrompt });
  const asked = prompt.peek();
  if (form.peek().showsPrompt && asked !== null) post({ kind: 'showPrompt', prompt: asked });
}

/** Keep an answer as a turn of the conversation. */
export function keepAnswer(column: number): void {
  const answer = answers.peek().get(column);
  if (answer === undefined) return;
  const tokens = answer.blocks.flat();
  const written = answer.news.state === 'ended' ? tokens.slice(0, -1) : tokens;
  form.value = continued(form.peek(), written.map(({ text }) => text).join(''));
}

/** Listen to the host and say that we do. */
export function connect(): void {
  listen((message) => {
    switch (message.kind) {
      case 'setup':
        setup.value = message;
        break;
      case 'taken':
        // It is told again whenever the view is shown.
        if (message.number !== form.peek().taken)
          change({ mode: 'raw', text: message.text, taken: message.number, asked: null });
        break;
      case 'prompt':
        prompts.value = new Map(prompts.peek()).set(message.column, message);
        break;
      case 'answer':
        answers.value = new Map(answers.peek()).set(message.column, heard(message));
    }
  });
  effect(() => {
    keepState({ form: form.value });
  });
  post({ kind: 'ready' });
}

/** An answer that was asked for, and of which the host has said nothing. */
function notYet(): ShownAnswer {
  const news = { answer: 0, state: 'waiting', seconds: 0, provider: '', problem: '', speed: null } as const;
  return { news, blocks: [], at: performance.now() };
}

function heard(message: AnswerNews): ShownAnswer {
  const before = answers.peek().get(message.column);
  const blocks = before?.news.answer === message.answer ? before.blocks : [];
  const { answer, state, seconds, provider, problem, speed } = message;
  return {
    news: { answer, state, seconds, provider, problem, speed },
    blocks: withNews(blocks, message),
    at: performance.now(),
  };
}
