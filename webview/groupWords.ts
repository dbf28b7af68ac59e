import type { GroupBranch, GroupSample } from '../core/generated/group';
import type { Cell } from '../core/groupTree';

/** Whose answers a branch leads to; colour and pattern follow. */
export type Tone = 'right' | 'wrong' | 'mixed' | 'given';

export function toneOf({ right, wrong }: Pick<GroupBranch, 'right' | 'wrong'>): Tone {
  if (right > 0) return wrong > 0 ? 'mixed' : 'right';
  return wrong > 0 ? 'wrong' : 'given';
}

/** `✓ 2 ✗ 1`, with the demonstration where it is among them. */
export function verdictsOf({ right, wrong, given }: Pick<GroupBranch, 'right' | 'wrong' | 'given'>): string {
  const own = right + wrong === 0 ? [] : [`✓ ${right} ✗ ${wrong}`];
  return [...own, ...(given === 0 ? [] : [given === 1 ? 'demo' : `${given} demos`])].join(' + ');
}

const mostNames = 8;

/** Short names of samples: numbers of rollouts, and the others in words. */
export function namesOf(members: Iterable<number>, samples: readonly GroupSample[]): string {
  const names = Array.from(members, (place) => (samples[place]?.label ?? '').replace(/^Rollout /, ''));
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
  const { from, to, fork, entropy, right, wrong, given, members } = branch;
  const who =
    members.length === 1
      ? (samples[members[0] ?? 0]?.label ?? '')
      : `${members.length} samples: ${right} right, ${wrong} wrong${given > 0 ? `, ${given} given` : ''}`;
  const where = to > from ? `tokens ${from + 1} to ${to}` : from === 0 ? 'the beginning' : `ends at token ${to}`;
  const nats = entropy === null ? '' : `, entropy ${entropy.toFixed(2)} nats`;
  const parts: Readonly<Record<GroupBranch['fork'], string>> = {
    decides: `. Right and wrong part after it${nats}`,
    plain: folded ? '. Parts again without consequence' : `. Parts without consequence${nats}`,
    none: '',
  };
  return `${who}, ${where}${parts[fork]}. `;
}
