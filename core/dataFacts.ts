import { columnsOf, linesOf, rowParts } from './demonstrations';
import type { DataFacts } from './recipeText';

const rowsLookedAt = 2000;

/** What the beginning of a JSONL file tells of it; null when its rows have no prompt. `wholeBytes`: of the whole file. */
export function dataFacts(beginning: string, beginningBytes: number, wholeBytes: number): DataFacts | null {
  const lines = [...linesOf(beginning)].map(({ text }) => text).filter((line) => line.trim() !== '');
  // The last line of a part may be half a line.
  if (beginningBytes < wholeBytes && lines.length > 1) lines.pop();
  const looked = lines.slice(0, rowsLookedAt);
  const found = looked.map((line) => rowParts(line, noColumns)).filter((row) => row !== undefined);
  const columns = columnsOf(found.map((row) => row.columns));
  if (columns === undefined) return null;
  const rows = looked.flatMap((line) => rowParts(line, columns) ?? []);
  const demonstrations = rows.flatMap(({ demonstration }) => demonstration ?? []);
  const prompts = rows.map(({ messages }) => messages.reduce((sum, { content }) => sum + content.length, 0));
  const longest = (lengths: readonly number[]): number => lengths.reduce((most, length) => Math.max(most, length), 0);
  const most = (holds: (text: string) => boolean): boolean =>
    demonstrations.length > 0 && demonstrations.filter(holds).length > 0.9 * demonstrations.length;
  return {
    columns,
    rows: Math.round((lines.length * wholeBytes) / Math.max(1, beginningBytes)),
    longestPrompt: longest(prompts),
    longestDemonstration: longest(demonstrations.map(({ length }) => length)),
    thinks: most((text) => text.includes('</think>')),
    boxes: most((text) => text.includes('\\boxed{')),
  };
}

const noColumns = { prompt: '', answer: '', demonstration: null, id: null };
