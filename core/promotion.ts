import { linesOf, rowParts, type Columns } from './demonstrations';
import { broken, read, type Read } from './read';

/** Where a promoted demonstration came from. */
export interface Provenance {
  readonly run: string;
  readonly step: number;
  readonly rollout: string;
  /** A person changed the text before it was promoted. */
  readonly edited?: true;
}

/** A tag that the prompt opened belongs to a demonstration, which stands without that prompt. */
export function demonstrationText(prompt: string, response: string): string {
  const opened = /<[A-Za-z_]{1,20}>\s*$/.exec(prompt);
  return opened === null ? response : `${opened[0]}${response}`;
}

/**
 * The line that makes a rollout a demonstration: the row of its problem in the data, with another demonstration, an id of
 * its own and the provenance. Broken, in words, where the data cannot take one.
 */
export function promotedLine(
  data: string,
  columns: Columns,
  problem: string,
  demonstration: string,
  provenance: Provenance,
): Read<string> {
  const { demonstration: name, id } = columns;
  if (name === null) return broken('The recipe names no column for demonstrations, so there is none to write it to.');
  if (id === null)
    return broken(
      'The recipe numbers the rows of its data (`data.columns.id` is null): a new row has no id to tell it by.',
    );
  const newId = `${problem}+${provenance.rollout}${provenance.edited === true ? '+edited' : ''}`;
  let found: Readonly<Record<string, unknown>> | undefined;
  for (const { number, text: line } of linesOf(data)) {
    if (line.trim() === '') continue;
    const row = rowParts(line, columns);
    if (row?.id === newId) return broken(`It is a demonstration already: line ${number + 1} has the id ${newId}.`);
    if (row?.id === problem && found === undefined) found = row.columns;
  }
  if (found === undefined) return broken(`The data has no problem with the id ${problem}.`);
  const changed = withValue(withValue(found, id, newId), name, demonstration);
  return read(JSON.stringify({ ...changed, provenance }));
}

/** A dot reaches into nested columns. */
function withValue(row: Readonly<Record<string, unknown>>, path: string, value: unknown): Record<string, unknown> {
  const [first = '', ...rest] = Object.hasOwn(row, path) ? [path] : path.split('.');
  if (rest.length === 0) return { ...row, [first]: value };
  const inner = row[first];
  const nested = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
  return { ...row, [first]: withValue(nested, rest.join('.'), value) };
}
