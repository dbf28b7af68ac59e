import { keyPath } from './checkReport';
import type { KeyPath } from './recipeSchema';

/** A change of one recipe, as a person may choose it. */
export interface RecipeFix {
  readonly title: string;
  readonly change: RecipeChange;
}

/** One change. */
export type RecipeChange =
  | { readonly kind: 'set'; readonly path: KeyPath; readonly value: unknown }
  | { readonly kind: 'rename'; readonly path: KeyPath; readonly to: string }
  | { readonly kind: 'move'; readonly path: KeyPath; readonly to: KeyPath }
  | { readonly kind: 'remove'; readonly path: KeyPath };

/** What a recipe says at a place, or its default. */
export type ValueOf = (path: KeyPath) => unknown;

/** The changes that the sentence of a finding asks for. `key` is where it is shown. */
export function fixesFor(message: string, key: KeyPath | undefined, valueOf: ValueOf): readonly RecipeFix[] {
  const [what = '', ...rest] = message.split('; ');
  const remedy = rest.join('; ').replace(/\.$/, '');
  const fixes = [
    ...named(remedy),
    ...measured(what, remedy, valueOf),
    ...(key === undefined ? [] : atKey(what, remedy, key, valueOf)),
  ];
  return fixes.filter(({ change }) => change.kind !== 'set' || valueOf(change.path) !== change.value);
}

/** Changes for the sentences of the editor's own JSON schema validation. */
export function schemaFixes(
  message: string,
  key: KeyPath,
  nearestKey: (word: string) => string | undefined,
): readonly RecipeFix[] {
  const word = /^Property (\S+) is not allowed\.$/.exec(message)?.[1];
  if (word !== undefined) {
    const near = nearestKey(word);
    const remove: RecipeFix = { title: `Remove ${word}`, change: { kind: 'remove', path: key } };
    return near === undefined ? [remove] : [renaming(key, near), remove];
  }
  const bound = /^Value is (?:below the minimum|above the maximum) of (-?[\d.eE+-]+?)\.$/.exec(message)?.[1];
  if (bound !== undefined) return [setting(key, Number(bound))];
  const choices = /Valid values?: (.+?)\.?$/.exec(message)?.[1];
  return choices === undefined ? [] : valuesIn(choices).map((value) => setting(key, value));
}

/** Remedies that name key and value: `set training.steps to 5`. */
function named(remedy: string): readonly RecipeFix[] {
  const found: RecipeFix[] = [];
  const pattern =
    /\bset `?([a-z_]+(?:\.[a-z_0-9]+)+)`? to (?:at (?:most|least) )?("[^"]*"(?: or "[^"]*")*|-?\d+(?:\.\d+)?)/g;
  for (const [, key = '', values = ''] of remedy.matchAll(pattern)) {
    found.push(...valuesIn(values).map((value) => setting(keyPath(key), value)));
  }
  const above = /\bset `?([a-z_]+(?:\.[a-z_0-9]+)+)`? above (\d+)/.exec(remedy);
  if (above !== null) found.push(setting(keyPath(above[1] ?? ''), Number(above[2]) + 1));
  return found;
}

/** Findings of the probe, which say what is too much of what. */
function measured(what: string, remedy: string, valueOf: ValueOf): readonly RecipeFix[] {
  if (remedy.startsWith('raise it, or shorten')) return factor(['rollouts', 'max_tokens'], 2, valueOf);
  const part = /^the largest part is (\w+)$/.exec(remedy)?.[1];
  if (part === 'activations') return factor(['training', 'micro_batch_tokens'], 0.5, valueOf);
  if (part === 'cache') return factor(['rollouts', 'batch_tokens'], 0.5, valueOf);
  if (part === 'optimiser' || part === 'gradients') {
    const isFull = valueOf(['model', 'lora']) === null;
    return isFull
      ? [
          {
            title: 'Train adapters (set model.lora)',
            change: { kind: 'set', path: ['model', 'lora'], value: { rank: 16, alpha: 32 } },
          },
        ]
      : [];
  }
  if (/needs about .* of disk/.test(what)) return factor(['recording', 'max_gb'], 0.5, valueOf);
  return [];
}

function atKey(what: string, remedy: string, key: KeyPath, valueOf: ValueOf): readonly RecipeFix[] {
  const rename = /^write `([^`]+)`, the nearest known key$/.exec(remedy)?.[1];
  if (rename !== undefined) return [renaming(key, rename), removing(key)];
  const target = /^move it to `([^`]+)`$/.exec(remedy)?.[1];
  if (target !== undefined) {
    return [{ title: `Move it to ${target}`, change: { kind: 'move', path: key, to: keyPath(target) } }, removing(key)];
  }
  if (/^remove it\b/.test(remedy) && / is no option\b/.test(what)) return [removing(key)];
  const near = /^write ("[^"]*"), the nearest of (.+)$/.exec(remedy);
  if (near !== null) {
    const [first] = valuesIn(near[1] ?? '');
    const others = valuesIn(near[2] ?? '').filter((value) => value !== first);
    return [first, ...others].map((value) => setting(key, value));
  }
  const words =
    /^(?:write(?: one of)?|it can only be|add one of) ((?:"[^"]*"|-?\d+|true|false)(?:(?:, | or )(?:"[^"]*"|-?\d+|true|false))*)$/.exec(
      remedy,
    )?.[1];
  if (words !== undefined) {
    const path = remedy.startsWith('add') ? [...key, 'kind'] : key;
    return valuesIn(words).map((value) => setting(path, value));
  }
  const usual = /^set it above \S+ \((-?[\d.]+) is usual\)$/.exec(remedy)?.[1];
  if (usual !== undefined) return [setting(key, Number(usual))];
  if (/^give a number /.test(remedy)) return bounded(remedy, key, valueOf);
  return [];
}

/** To the limit that was passed; a limit that is itself outside cannot be taken. */
function bounded(remedy: string, key: KeyPath, valueOf: ValueOf): readonly RecipeFix[] {
  const value = valueOf(key);
  if (typeof value !== 'number') return [];
  const least = /of at least (-?[\d.eE+-]+)/.exec(remedy)?.[1];
  const most = /at most (-?[\d.eE+-]+)/.exec(remedy)?.[1];
  if (least !== undefined && value < Number(least)) return [setting(key, Number(least))];
  return most !== undefined && value > Number(most) ? [setting(key, Number(most))] : [];
}

function factor(path: KeyPath, by: number, valueOf: ValueOf): readonly RecipeFix[] {
  const value = valueOf(path);
  if (typeof value !== 'number') return [];
  const scaled = value * by;
  return scaled < 1 ? [] : [setting(path, Number.isInteger(value) ? Math.floor(scaled) : scaled)];
}

function setting(path: KeyPath, value: unknown): RecipeFix {
  return { title: `Set ${path.join('.')} to ${JSON.stringify(value)}`, change: { kind: 'set', path, value } };
}

function renaming(path: KeyPath, to: string): RecipeFix {
  return { title: `Rename to ${to}`, change: { kind: 'rename', path, to } };
}

function removing(path: KeyPath): RecipeFix {
  return { title: `Remove ${path.at(-1) ?? ''}`, change: { kind: 'remove', path } };
}

function valuesIn(text: string): readonly unknown[] {
  return [...text.matchAll(/"[^"]*"|-?\d+(?:\.\d+)?|true|false/g)].map(([value]) => JSON.parse(value) as unknown);
}
