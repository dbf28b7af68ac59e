import { window, type QuickPick, type QuickPickItem } from 'vscode';
import { formatNumber } from '../../../core/format';
import { largestSeed, mostContinuations, seedIn } from '../../../core/rerolls';
import { visibleWords } from '../../../core/visibleWords';

/** A token that could stand at a place. */
export interface Candidate {
  readonly id: number;
  /** As people read it. */
  readonly words: string;
  readonly probability: number;
  /** 0 for the likeliest. */
  readonly rank: number;
  readonly asWritten: boolean;
}

/** With what a re-roll goes on; no ids: the first token is drawn too. */
export interface Alternative {
  readonly ids: Int32Array;
  readonly words: string;
}

/** How many continuations, and from which seed. */
export interface Amount {
  readonly rows: number;
  readonly seed: number;
}

interface AlternativeItem extends QuickPickItem {
  readonly alternative: Alternative;
}

/**
 * Asks with what to go on: one of the candidates, anything, or what is typed.
 * @param encode ids of a typed text
 */
export function askForAlternative(
  title: string,
  candidates: readonly Candidate[],
  encode: (text: string) => Promise<Int32Array>,
): Promise<Alternative | undefined> {
  const pick = window.createQuickPick<AlternativeItem>();
  pick.title = title;
  pick.placeholder = 'Choose what stands at this token, or type it';
  pick.matchOnDescription = true;
  // The view that was asked from takes the focus back a moment after the question before.
  pick.ignoreFocusOut = true;
  const items = [...candidates.map(itemOf), freeItem];
  pick.items = items;
  pick.onDidChangeValue((text) => {
    void offerTyped(pick, items, text, encode);
  });
  return new Promise((settle) => {
    pick.onDidAccept(() => {
      settle(pick.activeItems[0]?.alternative);
      pick.hide();
    });
    pick.onDidHide(() => {
      settle(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

const freeItem: AlternativeItem = {
  label: '$(sparkle) sample freely from here',
  description: 'this token is drawn, too',
  alternative: { ids: new Int32Array(0), words: 'anything' },
};

function itemOf({ id, words, probability, rank, asWritten }: Candidate): AlternativeItem {
  return {
    label: asWritten ? `$(edit) as written: ${words}` : `$(debug-restart) ${words}`,
    description: `p ${formatNumber(probability)} · rank ${rank + 1}`,
    alternative: { ids: Int32Array.of(id), words },
    alwaysShow: asWritten,
  };
}

/** What is typed stands below what it matches, once it is known how many tokens it is. */
async function offerTyped(
  pick: QuickPick<AlternativeItem>,
  items: readonly AlternativeItem[],
  text: string,
  encode: (text: string) => Promise<Int32Array>,
): Promise<void> {
  if (text === '') {
    pick.items = items;
    return;
  }
  const ids = await encode(text).catch(() => undefined);
  // Another key was pressed meanwhile.
  if (pick.value !== text) return;
  if (ids === undefined || ids.length === 0) {
    pick.items = items;
    return;
  }
  const words = `"${visibleWords(text)}"`;
  const typed: AlternativeItem = {
    label: `$(keyboard) as typed: ${words}`,
    description: ids.length === 1 ? '1 token' : `${ids.length} tokens`,
    alternative: { ids, words },
    alwaysShow: true,
  };
  pick.items = [typed, ...items];
}

const usualAmounts = [8, 4, 16, 1];

/** Asks how many, and from which seed; `fresh` is one that nobody had, `last` the one before. */
export async function askForAmount(
  title: string,
  fresh: number,
  last: Amount | undefined,
): Promise<Amount | undefined> {
  const again = last === undefined ? [] : [amountItem(last, 'the last seed again')];
  const items: (QuickPickItem & { readonly amount?: Amount })[] = [
    ...usualAmounts.map((rows) => amountItem({ rows, seed: fresh }, 'a fresh seed')),
    ...again,
    { label: '$(keyboard) another number or seed…' },
  ];
  const picked = await window.showQuickPick(items, {
    ignoreFocusOut: true,
    title,
    placeHolder: 'How many continuations, and from which seed?',
  });
  if (picked === undefined) return undefined;
  return picked.amount ?? typedAmount(title, { rows: 8, seed: fresh });
}

function amountItem(amount: Amount, description: string): QuickPickItem & { readonly amount: Amount } {
  return { label: `${amount.rows} from seed ${amount.seed}`, description, amount };
}

async function typedAmount(title: string, proposed: Amount): Promise<Amount | undefined> {
  const text = await window.showInputBox({
    ignoreFocusOut: true,
    title,
    prompt: `How many (1 to ${mostContinuations}), a space, and the seed; the same seed gives the same texts`,
    value: `${proposed.rows} ${proposed.seed}`,
    validateInput: (value) =>
      amountIn(value) === undefined
        ? `Two whole numbers: how many, 1 to ${mostContinuations}, and a seed, 0 to ${largestSeed}.`
        : undefined,
  });
  return text === undefined ? undefined : amountIn(text);
}

function amountIn(text: string): Amount | undefined {
  const [first = '', second = '', ...more] = text.trim().split(/\s+/);
  const [rows, seed] = [seedIn(first), seedIn(second)];
  if (rows === undefined || seed === undefined || more.length > 0) return undefined;
  return rows >= 1 && rows <= mostContinuations ? { rows, seed } : undefined;
}
