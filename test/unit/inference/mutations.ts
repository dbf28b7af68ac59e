/** A small generator of random numbers with a seed (https://prng.di.unimi.it, splitmix64 cut to 32 bits). */
export class Chance {
  constructor(private state: bigint) {}

  /** A whole number from 0 up to, but not with, `end`. */
  below(end: number): number {
    this.state = BigInt.asUintN(64, this.state + 0x9e3779b97f4a7c15n);
    let mixed = this.state;
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    return Number(BigInt.asUintN(32, mixed >> 32n) % BigInt(Math.max(1, end)));
  }

  of<T>(values: readonly T[], otherwise: T): T {
    return values[this.below(values.length)] ?? otherwise;
  }
}

/** A JSON text with one to four changes: of its bytes, or of what it means. */
export function mutated(text: string, chance: Chance): string {
  let changed = text;
  for (let changes = 1 + chance.below(4); 0 < changes; changes -= 1) {
    changed = chance.below(3) === 0 ? ofText(changed, chance) : ofMeaning(changed, chance);
  }
  return changed;
}

const hostile: readonly unknown[] = [
  null,
  true,
  false,
  '',
  '..',
  '../../x',
  '\u0000',
  '\u202eabc',
  '__proto__',
  'constructor',
  'F16',
  'I64',
  'yarn',
  'dynamic',
  'sliding_attention',
  -1,
  0,
  1,
  2,
  3,
  7,
  8,
  16,
  255,
  1e-320,
  0.5,
  1e308,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 63,
  [],
  {},
  [[]],
  [0, 0],
  [0, 2 ** 53 - 1],
  ['a'],
  { type: 'linear', factor: 0 },
  { rope_type: 'llama3' },
  'a'.repeat(5000),
];

function ofText(text: string, chance: Chance): string {
  const at = chance.below(text.length);
  const length = 1 + chance.below(12);
  const from = chance.below(text.length);
  switch (chance.below(5)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length);
    case 1:
      return text.slice(0, at) + text.slice(from, from + length) + text.slice(at);
    case 2:
      return text.slice(0, at) + String.fromCharCode(chance.below(300)) + text.slice(at + 1);
    case 3:
      return text.replace(/\d+/g, (digits) => (chance.below(20) === 0 ? `${chance.below(5000)}` : digits));
    default:
      return text.slice(0, at);
  }
}

function ofMeaning(text: string, chance: Chance): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // An earlier change made it no JSON: then it stays that.
    return ofText(text, chance);
  }
  return JSON.stringify(replaced(value, chance));
}

/** One value somewhere in it replaced, removed, or put under another name. */
function replaced(value: unknown, chance: Chance): unknown {
  const inside = typeof value === 'object' && value !== null && 0 < Object.keys(value).length;
  if (!inside || chance.below(8) === 0) return chance.of(hostile, null);
  if (Array.isArray(value)) {
    const at = chance.below(value.length);
    return value.map((item: unknown, index) => (index === at ? replaced(item, chance) : item));
  }
  const entries = Object.entries(value);
  const at = chance.below(entries.length);
  const kind = chance.below(10);
  if (kind === 0) return Object.fromEntries(entries.filter((_, index) => index !== at));
  const name = chance.of(entries, ['', null])[0];
  return Object.fromEntries(
    entries.map(([key, item], index) =>
      index !== at ? [key, item] : kind === 1 ? [name, item] : [key, replaced(item, chance)],
    ),
  );
}
