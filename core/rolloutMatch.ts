import { valueAt, type NumberColumn } from './columns';
import type { RolloutIndex } from './rolloutIndex';
import { withoutLeadingTags } from './rolloutList';
import type { FigureTest, QueryCondition, QueryNames, QueryTerm, RolloutQuery } from './rolloutQuery';

/** What of a query the index alone can answer, row by row. */
export type RowTest = (row: number) => boolean;

/** What of a query needs the texts. */
export type TextTerm = Extract<QueryTerm, { kind: 'text' | 'expression' }>;

/** Does the index allow a row? A figure that is not known is neither below nor above anything. */
export function rowTest(query: RolloutQuery, index: RolloutIndex): RowTest {
  const tests = query.terms.flatMap((term) => {
    const test = testOf(term, index);
    return test === undefined ? [] : [term.negated ? (row: number) => !test(row) : test];
  });
  return (row) => tests.every((test) => test(row));
}

/** The terms about texts, in their order. */
export function textTerms(query: RolloutQuery): TextTerm[] {
  return query.terms.filter((term): term is TextTerm => term.kind === 'text' || term.kind === 'expression');
}

/** What a query about these rows may name. */
export function namesOf(index: RolloutIndex): QueryNames {
  return { parts: [...index.parts.keys()], weights: [...index.weights.keys()], kinds: [...new Set(index.kinds)] };
}

function testOf(condition: QueryCondition, index: RolloutIndex): RowTest | undefined {
  switch (condition.kind) {
    case 'text':
    case 'expression':
      return undefined;
    case 'figure': {
      const column = columnOf(index, condition.figure);
      const test = numberTest(condition.test);
      return (row) => column !== undefined && test(valueAt(column, row));
    }
    case 'opening': {
      const opening = comparable(condition.text);
      return (row) => comparable(withoutLeadingTags(index.heads[row] ?? '')).startsWith(opening);
    }
    case 'prompt':
      return (row) => index.promptIds[row] === condition.id;
    case 'row':
      return (row) => index.kinds[row] === condition.row;
    case 'is':
      if (condition.is === 'truncated') return (row) => valueAt(index.truncated, row) === 1;
      return (row) => valueAt(index.correct, row) === Number(condition.is === 'right');
  }
}

function columnOf(index: RolloutIndex, figure: string): NumberColumn | undefined {
  const slash = figure.indexOf('/');
  const name = figure.slice(slash + 1);
  if (figure.startsWith('part/')) return index.parts.get(name);
  if (figure.startsWith('weight/')) return index.weights.get(name);
  return (index.numbers as Readonly<Record<string, NumberColumn>>)[figure];
}

function numberTest(test: FigureTest): (value: number) => boolean {
  if (test.kind === 'between') return (value) => value >= test.from && value <= test.to;
  const { value: limit } = test;
  switch (test.operator) {
    case '<':
      return (value) => value < limit;
    case '<=':
      return (value) => value <= limit;
    case '>':
      return (value) => value > limit;
    case '>=':
      return (value) => value >= limit;
    case '=':
      return (value) => value === limit;
  }
}

/** The heads in the index have runs of white space as one space. */
function comparable(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trimStart().toLowerCase();
}
