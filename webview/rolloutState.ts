import { computed, effect, signal } from '@preact/signals';
import type { PreviewAnswer, RolloutRow, RolloutsAnswer } from '../core/generated/panel';
import { listedSteps } from './curves';
import { ask, wish, type Asked } from './host';
import { front, page, runs } from './page';
import { brush, change, view, type ViewState } from './viewState';
import { follow } from './follow';

/** The list as the host made it, or why it could not. */
export const list = signal<RolloutsAnswer | null>(null);
export const listTrouble = signal<string | null>(null);

/** Lines of rows, as far as they were asked for. */
export const lines = signal<ReadonlyMap<number, RolloutRow>>(new Map());

/** The chosen rollout's row, and its whole text once it came. */
export const chosen = signal<number | null>(null);
export const preview = signal<PreviewAnswer | null>(null);
export const previewTrouble = signal<string | null>(null);

/** Ask for all that was written to a rollout's prompt in its step. */
export function showGroup(row: number): void {
  const id = lines.peek().get(row)?.id;
  if (id !== undefined) wish('showGroup', 0, { id });
}

/** Ask for a rollout as a document of the editor. */
export function openTrace(row: number): void {
  const id = lines.peek().get(row)?.id;
  if (id !== undefined) wish('openTrace', 0, { id });
}

/** How many rollouts came since the list was frozen. */
export const newRollouts = computed(() => Math.max(0, (runs.value[0]?.indexRows ?? 0) - (frozenAt.value ?? Infinity)));

/** A brush freezes the list at the length the index had. */
const frozenAt = signal<number | null>(null);

/** Take the new rollouts in and freeze again. */
export function thaw(): void {
  frozenAt.value = runs.peek()[0]?.indexRows ?? null;
}

type Wanted = Pick<ViewState, 'filter' | 'text' | 'grouping' | 'sources' | 'sort' | 'descending'>;

const listPauseMs = 100;

/** Keep list, lines and preview with what the person chose. */
export function keepRollouts(): void {
  effect(() => {
    if (brush.value === null) frozenAt.value = null;
    else if (frozenAt.peek() === null) thaw();
  });
  let isAsking = false;
  let again = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let askedAt = -Infinity;
  let askedKey = '';
  const askNow = (): void => {
    timer = undefined;
    if (document.hidden || page.peek().kind !== 'runs' || runs.peek().length !== 1) return;
    const { filter, text, grouping, sources, sort, descending }: Wanted = view.peek();
    const { from, to } = listedSteps.peek();
    const question = {
      fromStep: from,
      toStep: to,
      upTo: frozenAt.peek(),
      sources,
      filter,
      text,
      grouping,
      sort,
      descending,
    };
    const key = JSON.stringify([
      question,
      frozenAt.peek() === null ? runs.peek()[0]?.indexRows : 0,
      runs.peek()[0]?.restarts,
    ]);
    if (key === askedKey) return;
    askedKey = key;
    askedAt = performance.now();
    isAsking = true;
    void ask({ kind: 'rollouts', run: 0, ...question }).answer.then((answer) => {
      isAsking = false;
      listTrouble.value = answer.kind === 'broken' ? answer.reason : null;
      if (answer.kind === 'read') list.value = answer.value;
      if (again) askSoon();
    });
  };
  // One question at a time: a brush that is drawn asks for as many lists as the host can make, the last one surely.
  const askSoon = (): void => {
    again = isAsking;
    if (!isAsking) timer ??= setTimeout(askNow, Math.max(0, listPauseMs - (performance.now() - askedAt)));
  };
  effect(() => {
    follow(runs, view, listedSteps, frozenAt);
    askSoon();
  });
  document.addEventListener('visibilitychange', askSoon);
  let restarts = -1;
  effect(() => {
    const now = runs.value[0]?.restarts ?? -1;
    if (now === restarts) return;
    // Of a run that was begun anew nothing is as it was.
    if (restarts !== -1) {
      change({ mark: null });
      front.value = null;
    }
    restarts = now;
    lines.value = new Map();
    chosen.value = null;
  });
  keepPreview();
}

const mostLines = 20_000;
const mostRowsAQuestion = 400;
const askedRows = new Set<number>();

/** Ask for the lines of rows that are about to be seen. */
export function wantLines(rows: readonly number[]): void {
  const missing = rows.filter((row) => !lines.peek().has(row) && !askedRows.has(row)).slice(0, mostRowsAQuestion);
  if (missing.length === 0) return;
  for (const row of missing) askedRows.add(row);
  void ask({ kind: 'rows', run: 0, rows: missing }).answer.then((answer) => {
    for (const row of missing) askedRows.delete(row);
    if (answer.kind === 'broken') return;
    const kept = lines.peek().size > mostLines ? [] : lines.peek();
    lines.value = new Map([...kept, ...answer.value.rows.map((row): [number, RolloutRow] => [row.row, row])]);
  });
}

function keepPreview(): void {
  let open: Asked<PreviewAnswer> | undefined;
  effect(() => {
    const row = chosen.value;
    open?.cancel();
    previewTrouble.value = null;
    if (row === null) {
      preview.value = null;
      return;
    }
    const asked = ask({ kind: 'preview', run: 0, row });
    open = asked;
    void asked.answer.then((answer) => {
      if (answer.kind === 'read') preview.value = answer.value;
      else previewTrouble.value = answer.reason;
    });
  });
}
