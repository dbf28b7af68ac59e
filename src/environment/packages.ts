import { runProgram } from './program';
import { withoutOwnFolder } from './python';

/** A package the trainer demands, as its `pyproject.toml` says. */
export interface Requirement {
  readonly name: string;
  readonly extras: readonly string[];
  /** The lowest version that will do; null when any will. */
  readonly atLeast: string | null;
}

/** A package that is absent (`found` null) or too old. */
export interface Lacking {
  readonly name: string;
  readonly wanted: string;
  readonly found: string | null;
}

/** Does an interpreter have what the trainer needs? */
export type Fits =
  | { readonly kind: 'fits'; readonly versions: Readonly<Record<string, string>> }
  | { readonly kind: 'lacks'; readonly lacking: readonly Lacking[] }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The `dependencies` of a `pyproject.toml`. */
export function requirementsOf(pyproject: string): readonly Requirement[] {
  const list = /^dependencies = \[\n([\s\S]*?)^\]/m.exec(pyproject)?.[1] ?? '';
  return [...list.matchAll(/"([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?(?:>=([0-9.]+))?"/g)].map(
    ([, name, extras, version]) => ({
      name: name ?? '',
      extras: extras === undefined ? [] : extras.split(',').map((extra) => extra.trim()),
      atLeast: version ?? null,
    }),
  );
}

/** Ask the interpreter for all packages in one call, by their metadata: torch is not imported for it. */
export async function fits(
  python: string,
  requirements: readonly Requirement[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly signal?: AbortSignal } = {},
): Promise<Fits> {
  const wanted = JSON.stringify(requirements.map(({ name, extras }) => [name, extras]));
  const end = await runProgram(python, ['-c', ask, wanted], { ...options, timeoutMs: 30_000 });
  if (end.kind === 'missing') return { kind: 'unknown', reason: end.reason };
  if (end.kind === 'cut') return { kind: 'unknown', reason: `${python} gave no answer` };
  if (end.code !== 0) return { kind: 'unknown', reason: end.stderr.trim().slice(-500) };
  const versions = answersOf(end.stdout);
  const lacking = [
    ...requirements.flatMap(({ name, atLeast }): Lacking[] => {
      const found = versions.get(name) ?? null;
      const isEnough = found !== null && (atLeast === null || compareVersions(found, atLeast) >= 0);
      return isEnough ? [] : [{ name, wanted: atLeast === null ? 'any' : `≥ ${atLeast}`, found }];
    }),
    ...(versions.get('') ?? '')
      .split(' ')
      .flatMap((name): Lacking[] => (name === '' ? [] : [{ name, wanted: 'any', found: null }])),
  ];
  if (lacking.length > 0) return { kind: 'lacks', lacking };
  versions.delete('');
  return { kind: 'fits', versions: Object.fromEntries(versions) };
}

/** What is lacking, in words. */
export function lackingInWords(lacking: readonly Lacking[]): string {
  return lacking
    .map(({ name, wanted, found }) => (found === null ? name : `${name} ${wanted} (it has ${found})`))
    .join(', ');
}

/** Order of two releases by their numbers; what follows the numbers (`+cu128`, `rc1`) does not count. */
export function compareVersions(one: string, other: string): number {
  const [first, second] = [numbersOf(one), numbersOf(other)];
  for (let place = 0; place < Math.max(first.length, second.length); place += 1) {
    const difference = (first[place] ?? 0) - (second[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): number[] {
  return (/^\d+(?:\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);
}

/** Lines of `name=version`; the line without a name lists what extras lack. */
function answersOf(text: string): Map<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line): [string, string][] => {
      const place = line.indexOf('=');
      return place < 0 ? [] : [[line.slice(0, place), line.slice(place + 1).trim()]];
    }),
  );
}

const ask = `${withoutOwnFolder}
import json, re
from importlib import metadata
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
lacking = []
for name, extras in json.loads(sys.argv[1]):
    found = version(name)
    if found is None:
        continue
    print(name + '=' + found)
    for needed in metadata.requires(name) or []:
        extra = re.search(r'extra == .([A-Za-z0-9_.-]+).', needed)
        if extra and extra[1] in extras:
            dependency = re.match(r'[A-Za-z0-9._-]+', needed)[0]
            if version(dependency) is None:
                lacking.append(dependency)
print('=' + ' '.join(lacking))`;
