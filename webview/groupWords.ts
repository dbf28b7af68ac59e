import type { GroupBranch, GroupSample } from '../core/generated/group';
import type { Cell } from '../core/groupTree';

/** Whose answers a branch leads to; colour and pattern follow. */
export type Tone = 'right' | 'wrong' | 'mixed' | 'given' | 'reroll';

type Counts = Pick<GroupBranch, 'right' | 'wrong' | 'given' | 'rerolls' | 'rerollsRight' | 'rerollsWrong'>;

export function toneOf({ right, wrong, given }: Pick<GroupBranch, 'right' | 'wrong' | 'given'>): Tone {
  if (right + wrong + given === 0) return 'reroll';
  if (right > 0) return wrong > 0 ? 'mixed' : 'right';
  return wrong > 0 ? 'wrong' : 'given';
}

/** `✓ 2 ✗ 1`, with the demonstration where it is among them, and re-rolls by themselves. */
export function verdictsOf({ right, wrong, given, ...counts }: Counts): string {
  const own = right + wrong === 0 ? [] : [`✓ ${right} ✗ ${wrong}`];
  return [
    ...own,
    ...(given === 0 ? [] : [given === 1 ? 'demo' : `${given} demos`]),
    ...(counts.rerolls === 0 ? [] : [rerollsOf(counts)]),
  ].join(' + ');
}

/** `↻ 8: ✓ 3 ✗ 4`. */
function rerollsOf({
  rerolls,
  rerollsRight,
  rerollsWrong,
}: Pick<GroupBranch, 'rerolls' | 'rerollsRight' | 'rerollsWrong'>): string {
  return rerollsRight + rerollsWrong === 0 ? `↻ ${rerolls}` : `↻ ${rerolls}: ✓ ${rerollsRight} ✗ ${rerollsWrong}`;
}

/** What is not from training among samples, in words; null where there is nothing. */
export function rerollWords(samples: readonly GroupSample[]): string | null {
  const rerolls = samples.filter(({ origin }) => origin === 'reroll');
  if (rerolls.length === 0) return null;
  const count = (is: (sample: GroupSample) => boolean): number => rerolls.filter(is).length;
  const parts: readonly [number, string][] = [
    [count(({ correct }) => correct === true), 'right'],
    [count(({ correct }) => correct === false), 'wrong'],
    [count(({ correct, isWaiting }) => correct === null && !isWaiting), 'not judged'],
    [count(({ state }) => state === 'writing'), 'being written'],
    [count(({ state, isWaiting }) => isWaiting && state !== 'writing'), 'being judged'],
  ];
  const words = parts.filter(([some]) => some > 0).map(([some, what]) => `${some} ${what}`);
  return `${rerolls.length}, not from training: ${words.join(', ')}`;
}

const mostNames = 8;

/** Short names of samples: numbers of rollouts, and the others in words. */
export function namesOf(members: Iterable<number>, samples: readonly GroupSample[]): string {
  const names = Array.from(members, (place) =>
    (samples[place]?.label ?? '').replace(/^Rollout /, '').replace(/^Re-roll /, '↻'),
  );
  const more = names.length - mostNames;
  return more > 0 ? `${names.slice(0, mostNames).join(', ')} and ${more} more` : names.join(', ');
}

/** A line of model text: line breaks and tabs are shown by signs. */
export function oneLine(text: string): string {
  return text.replaceAll(/\r\n?|\n/g, '⏎').replaceAll('\t', '⇥');
}

/** The end of a branch's text, as far as it was told. */
export function endOf({ head, tail }: Pick<GroupBranch, 'head' | 'tail'>, most: number): string {
  const text = tail === '' ? head : tail;
  const end = text.slice(-most).replace(/^[\uDC00-\uDFFF]/, '');
  return `${end.length < text.length || tail !== '' ? '…' : ''}${oneLine(end)}`;
}

/** What a screen reader says of a cell before its text. */
export function cellWords(branch: GroupBranch, { folded }: Cell, samples: readonly GroupSample[]): string {
  const { from, to, fork, forkOf, entropy, right, wrong, given, rerolls, members } = branch;
  const who =
    members.length === 1
      ? `${samples[members[0] ?? 0]?.label ?? ''}${rerolls > 0 ? ', not from training' : ''}`
      : `${members.length} samples: ${right} right, ${wrong} wrong${given > 0 ? `, ${given} given` : ''}${rerolls > 0 ? `, ${rerolls} re-rolls, not from training` : ''}`;
  const where = to > from ? `tokens ${from + 1} to ${to}` : from === 0 ? 'the beginning' : `ends at token ${to}`;
  const nats = entropy === null ? '' : `, entropy ${entropy.toFixed(2)} nats`;
  const whose = forkOf === 'rerolls' ? ', re-rolls,' : '';
  const parts: Readonly<Record<GroupBranch['fork'], string>> = {
    decides: `. Right and wrong${whose} part after it${nats}`,
    plain: folded ? '. Parts again without consequence' : `. Parts${whose} without consequence${nats}`,
    none: '',
  };
  return `${who}, ${where}${parts[fork]}. `;
}
