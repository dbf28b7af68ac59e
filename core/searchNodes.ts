import type { FrequencyChange, FrequencyChanges, FrequencyExample } from './frequency';
import type { Snippet } from './snippet';
import { visibleWords } from './visibleWords';

/** A row of a tree of results, as values: what a model wrote is in it as words, on one line, and never as markup. */
export interface SearchNode {
  readonly id: string;
  readonly label: string;
  /** Places in the label. */
  readonly highlights: readonly [number, number][];
  readonly description: string;
  readonly tooltip: string;
  readonly icon: SearchIcon;
  readonly isOpen: boolean;
  readonly children: readonly SearchNode[];
  /** The trace to open, and the place in it. */
  readonly opens?: { readonly id: string; readonly from: number; readonly to: number };
}

export type SearchIcon = 'step' | 'right' | 'wrong' | 'rose' | 'fell' | 'group';

/** What a row says of a rollout. */
export interface ShownHit {
  readonly id: string;
  readonly step: number;
  readonly reward: number | null;
  readonly correct: boolean;
  readonly snippet: Snippet;
  /** Where the first match is in the response's text, in UTF-16 units; 0 and 0 where figures alone were asked for. */
  readonly from: number;
  readonly to: number;
  /** Matches in this rollout, as far as they were counted; 0 where figures alone were asked for. */
  readonly count: number;
}

const longestLabel = 240;

/** The row of a rollout that was found. */
export function hitNode(hit: ShownHit): SearchNode {
  const before = visibleWords(hit.snippet.before).trimStart();
  const match = visibleWords(hit.snippet.match);
  const label = cut(before + match + visibleWords(hit.snippet.after).trimEnd());
  const end = Math.min(before.length + match.length, label.length);
  const outcome = hit.correct ? 'right' : 'wrong';
  const reward = hit.reward === null ? undefined : `reward ${shortNumber(hit.reward)}`;
  return {
    id: `hit ${hit.id}`,
    label: label === '' ? '(no text)' : label,
    highlights: before.length < end ? [[before.length, end]] : [],
    description: joined([reward, hit.count > 1 ? `${hit.count} ×` : undefined]),
    tooltip: joined([
      visibleWords(hit.id),
      outcome,
      reward,
      hit.count === 0 ? undefined : times(hit.count, 'match', 'matches'),
    ]),
    icon: outcome,
    isOpen: false,
    children: [],
    opens: { id: hit.id, from: hit.from, to: hit.to },
  };
}

/** The row of a step, over its rollouts. */
export function stepNode(step: number, hits: readonly SearchNode[], isOpen: boolean): SearchNode {
  const right = hits.filter(({ icon }) => icon === 'right').length;
  return {
    ...group(`step ${step}`, `Step ${step}`, hits, isOpen),
    icon: 'step',
    description: `${times(hits.length, 'rollout', 'rollouts')}, ${right} right`,
  };
}

/** The rollout of an example; undefined where it could not be read again. */
export type ExampleOf = (example: FrequencyExample) => ShownHit | undefined;

/** The rows of what became more and less frequent. */
export function changeNodes(changes: FrequencyChanges, exampleOf: ExampleOf): SearchNode[] {
  const { totals } = changes;
  const make = (kind: string, all: readonly FrequencyChange[], rose: boolean): SearchNode[] =>
    all.filter(({ score }) => score > 0 === rose).map((change) => changeNode(kind, change, totals, exampleOf));
  return [
    group('openings up', 'Openings, more frequent', make('opening', changes.openings, true), true),
    group('phrases up', 'Phrases, more frequent', make('phrase', changes.phrases, true), true),
    group('openings down', 'Openings, less frequent', make('opening', changes.openings, false), false),
    group('phrases down', 'Phrases, less frequent', make('phrase', changes.phrases, false), false),
  ].filter(({ children }) => children.length > 0);
}

function changeNode(
  kind: string,
  change: FrequencyChange,
  totals: FrequencyChanges['totals'],
  exampleOf: ExampleOf,
): SearchNode {
  const { counts, score } = change;
  const words = visibleWords(change.words);
  const shares = `${percent(counts.before, totals.before)} → ${percent(counts.after, totals.after)}`;
  const right = `${percent(counts.rightBefore, counts.before)} → ${percent(counts.rightAfter, counts.after)}`;
  const id = `${kind} ${score > 0 ? 'up' : 'down'} ${change.words}`;
  const facts = [
    `in ${counts.before} of ${totals.before} rollouts before, in ${counts.after} of ${totals.after} after`,
    `of those that have it ${right} are right; of all, ${percent(totals.rightBefore, totals.before)} → ${percent(totals.rightAfter, totals.after)}`,
    `score ${score.toFixed(1)}${change.isSure ? '' : ': with so many phrases looked at, this may be chance'}`,
  ];
  const folded = change.folded.slice(0, mostFolded).map(visibleWords).join(' · ');
  return {
    id,
    label: cut(words),
    highlights: [],
    description: joined([shares, `right ${right}`, change.isSure ? undefined : 'may be chance']),
    tooltip: [cut(words), ...facts, ...(folded === '' ? [] : [`also ${folded}`])].join('\n'),
    icon: score > 0 ? 'rose' : 'fell',
    isOpen: false,
    children: change.examples.flatMap((example) => {
      const hit = exampleOf(example);
      return hit === undefined ? [] : [{ ...hitNode(hit), id: `${id} ${hit.id}`, description: `step ${hit.step}` }];
    }),
  };
}

const mostFolded = 12;

function group(id: string, label: string, children: readonly SearchNode[], isOpen: boolean): SearchNode {
  const description = children.length === 0 ? '' : String(children.length);
  return { id, label, highlights: [], description, tooltip: '', icon: 'group', isOpen, children };
}

function percent(count: number, of: number): string {
  if (of === 0) return '–';
  const share = (100 * count) / of;
  return `${share > 0 && share < 10 ? share.toFixed(1) : share.toFixed(0)} %`;
}

/** A count with its word. */
export function times(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(' · ');
}

function cut(text: string): string {
  return text.length <= longestLabel ? text : `${text.slice(0, longestLabel)}…`;
}
