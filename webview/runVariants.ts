import type { RunHeader } from '../core/generated/panel';

/** A key whose value is not the same in all runs, with the value of each. */
export interface Difference {
  readonly key: string;
  readonly values: readonly string[];
}

/** Places of the runs, those together whose recipes differ in nothing but their seeds. */
export function variants(runs: readonly Pick<RunHeader, 'recipe'>[]): number[][] {
  const groups = new Map<string, number[]>();
  runs.forEach(({ recipe }, place) => {
    const key = JSON.stringify(recipe.filter((line) => !isOfOneRun(line.key)).map(({ key, value }) => [key, value]));
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [place]);
    else members.push(place);
  });
  return [...groups.values()];
}

/** Where the recipes differ. */
export function differences(runs: readonly Pick<RunHeader, 'recipe'>[]): Difference[] {
  const tables = runs.map(({ recipe }) => new Map(recipe.map(({ key, value }) => [key, value])));
  const keys = new Set(tables.flatMap((table) => [...table.keys()]));
  return [...keys]
    .map((key) => ({ key, values: tables.map((table) => table.get(key) ?? '–') }))
    .filter(({ values }) => new Set(values).size > 1);
}

/** Keys that say which run it is, not how it trains. */
function isOfOneRun(key: string): boolean {
  return key === 'seed' || key.endsWith('.seed') || key === 'name' || key === 'output';
}

/** The runs' names without the beginning that all of them share. */
export function shortNames(runs: readonly Pick<RunHeader, 'name'>[]): string[] {
  const names = runs.map(({ name }) => name);
  const [first = ''] = names;
  let shared = 0;
  while (shared < first.length && names.every((name) => name[shared] === first[shared])) shared += 1;
  // A name is cut between words only, and never to nothing.
  const cut = Math.max(first.lastIndexOf('-', shared - 1), first.lastIndexOf('_', shared - 1)) + 1;
  return names.every((name) => name.length > cut) ? names.map((name) => name.slice(cut)) : names;
}
