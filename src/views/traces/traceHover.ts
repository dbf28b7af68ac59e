import { Hover, MarkdownString, Range, type HoverProvider, type Position, type TextDocument } from 'vscode';
import { valueAt } from '../../../core/columns';
import { plainMarkdown } from '../../../core/plainMarkdown';
import { scoresOfToken, scoreSentence, type TokenScore } from '../../../core/scoreWords';
import { offsetAt, placeAt, tokenAt } from '../../../core/trace';
import { factsOfToken, shownToken } from '../../../core/traceWords';
import { visibleMessage } from '../../../core/visibleWords';
import type { Groups, OtherWay } from './groups';
import type { OpenTrace, TraceLibrary } from './traceLibrary';

/** What is known of the token under the pointer. What the model wrote is data here: it is never read as Markdown. */
export class TraceHover implements HoverProvider {
  constructor(
    private readonly traces: TraceLibrary,
    private readonly groups: Groups,
  ) {}

  async provideHover(document: TextDocument, position: Position): Promise<Hover | undefined> {
    const open = this.traces.of(document);
    if (open === undefined) return undefined;
    const token = tokenAtPosition(open, position);
    if (token === -1) return undefined;
    const { trace } = open;
    const from = placeAt(trace, trace.starts[token] ?? 0);
    const to = placeAt(trace, trace.starts[token + 1] ?? 0);
    return new Hover(
      words(open, token, await this.groups.otherWays(open, token)),
      new Range(from.line, from.column, to.line, to.column),
    );
  }
}

/** The token at a place of the document; -1 in the prompt. */
export function tokenAtPosition({ trace }: OpenTrace, { line, character }: Position): number {
  return tokenAt(trace, offsetAt(trace, { line, column: character }));
}

/** A token in one sentence, for who does not see the tint. */
export function tokenSentence(open: OpenTrace, token: number): string {
  const facts = factsOf(open, token).map(({ name, value }) => `${name} ${value}`);
  const scores = scoresOfToken(open.trace, open.scores, token).map(scoreSentence);
  return visibleMessage(`Token ${shownToken(open.trace, token)}: ${[facts.join(', '), ...scores].join('; ')}.`);
}

/** What checkpoints say of the token, a line each, and what else they would have written, a column each. */
function scoreTables(scores: readonly TokenScore[]): string {
  const name = (score: TokenScore): string => plainMarkdown(score.name);
  const figures = scores.map(
    (score) => `| ${name(score)} | ${score.probability} | ${score.logProb} | ${score.rank} | ${score.entropy} |\n`,
  );
  const most = Math.max(0, ...scores.map(({ alternatives }) => alternatives.length));
  const likeliest = Array.from({ length: most }, (_, place) => {
    const cells = scores.map(({ alternatives }) => alternativeWords(alternatives[place]));
    return `| ${place + 1}\\. | ${cells.join(gap)} |\n`;
  });
  return [
    '\n| | probability | log\\-prob | rank | entropy |\n|---|--:|--:|--:|--:|\n',
    ...figures,
    `\n| likeliest | ${scores.map(name).join(gap)} |\n|---|${':--|'.repeat(scores.length)}\n`,
    ...likeliest,
  ].join('');
}

/** Columns of words stand too close to each other by themselves. */
const gap = ' | &nbsp;&nbsp;';

function alternativeWords(alternative: TokenScore['alternatives'][number] | undefined): string {
  if (alternative === undefined) return '';
  const { words, probability, isToken } = alternative;
  return plainMarkdown(`${words} ${probability}${isToken ? ' ◂' : ''}`);
}

function words(open: OpenTrace, token: number, otherWays: readonly OtherWay[]): MarkdownString {
  const markdown = new MarkdownString();
  markdown.isTrusted = false;
  markdown.supportHtml = false;
  markdown.appendMarkdown(plainMarkdown(shownToken(open.trace, token)));
  const facts = factsOf(open, token);
  const line = facts.filter(({ name }) => inOneLine.has(name)).map(({ name, value }) => `${name} ${value}`);
  markdown.appendMarkdown(`\n\n${plainMarkdown(line.join(', '))}\n`);
  const scores = scoresOfToken(open.trace, open.scores, token);
  if (scores.length > 0) markdown.appendMarkdown(scoreTables(scores));
  const figures = facts.filter(({ name, value }) => !inOneLine.has(name) && value.length <= longestCell);
  if (figures.length > 0) markdown.appendMarkdown('\n| | | | | |\n|---|--:|---|---|--:|\n');
  for (let place = 0; place < figures.length; place += 2) {
    const cells = figures
      .slice(place, place + 2)
      .map(({ name, value }) => `${plainMarkdown(name)} | ${plainMarkdown(value)}`);
    markdown.appendMarkdown(`| ${cells.join(' | &nbsp; | ')}${cells.length < 2 ? ' | | |' : ''} |\n`);
  }
  for (const { name, value } of facts) {
    if (!inOneLine.has(name) && value.length > longestCell)
      markdown.appendMarkdown(`\n${plainMarkdown(name)} ${plainMarkdown(value)}\n`);
  }
  if (otherWays.length > 0) {
    markdown.appendMarkdown('\nOthers of the group went on with\n\n| | | | |\n|---|--:|--:|--:|\n');
    for (const { words: way, right, wrong, given } of otherWays)
      markdown.appendMarkdown(
        `| ${plainMarkdown(way)} | ${right} right | ${wrong} wrong | ${given === 0 ? '' : 'demonstration'} |\n`,
      );
  }
  return markdown;
}

const inOneLine = new Set(['position', 'id', 'bytes']);
const longestCell = 24;

function factsOf({ origin, trace }: OpenTrace, token: number): ReturnType<typeof factsOfToken> {
  const advantage = origin.kind === 'run' ? valueAt(origin.run.store.index.numbers.advantage, origin.row) : NaN;
  return factsOfToken(trace, token, advantage);
}
