import { computed, effect, signal } from '@preact/signals';
import { counted, differencesOf, mostMoved, nothing, type MovedToken } from '../core/checkpointDifference';
import type {
  AlternativesMessage,
  ComparedSequence,
  ComparisonMessage,
  PathMessage,
  SetupMessage,
  StripMessage,
} from '../core/generated/checkpoints';
import { listen, post } from './checkpointsHost';
import { restoredChoice, settledChoice, type CheckpointChoice } from './checkpointChoice';
import { keepState, keptState } from './vsCodeApi';

export const trouble = signal<string | null>(null);
export const setup = signal<SetupMessage | null>(null);
export const comparison = signal<ComparisonMessage | null>(null);
/** Sequences of the comparison, as they came. */
export const compared = signal<readonly ComparedSequence[]>([]);
export const alternatives = signal<AlternativesMessage | null>(null);
export const path = signal<PathMessage | null>(null);
export const strip = signal<StripMessage | null>(null);
/** What a person chose; survives hiding the view. */
export const choice = signal<CheckpointChoice>(restoredChoice(keptState()));
/** The token that is read; −1 before the first is chosen. */
export const token = signal(-1);

const known = new WeakMap<ComparedSequence, Float32Array>();

/** [T] p_after − p_before of a sequence. */
export function differencesIn(sequence: ComparedSequence): Float32Array {
  const found = known.get(sequence) ?? differencesOf(sequence.before, sequence.after);
  known.set(sequence, found);
  return found;
}

/** All tokens that were compared, together. */
export const counts = computed(() =>
  compared.value.reduce((sum, sequence) => counted(differencesIn(sequence), sum), nothing),
);

/** The tokens that moved most, to either side. */
export const moved = computed((): Readonly<Record<'up' | 'down', readonly MovedToken[]>> => {
  const differences = compared.value.map(differencesIn);
  return { up: mostMoved(differences, 'up', mostRows), down: mostMoved(differences, 'down', mostRows) };
});

/** Rows of each list of tokens. */
export const mostRows = 100;

/** The sequence that is read. */
export const shown = computed(() => compared.value[Math.min(choice.value.sequence, compared.value.length - 1)]);

export function choose(some: Partial<CheckpointChoice>): void {
  choice.value = { ...choice.peek(), ...some };
}

/** Read a token of a sequence. */
export function read(sequence: number, at: number): void {
  if (sequence !== choice.peek().sequence) choose({ sequence });
  token.value = at;
  const { generation } = comparison.peek() ?? { generation: 0 };
  post({ kind: 'askAlternatives', generation, sequence, token: at });
}

/** Open the trace of a sequence at a token. */
export function openToken(sequence: number, at: number): void {
  const { generation } = comparison.peek() ?? { generation: 0 };
  post({ kind: 'openToken', of: 'comparison', generation, sequence, token: at });
}

/** Listen to the host and say that we do. */
export function connect(): void {
  listen((message) => {
    switch (message.kind) {
      case 'trouble':
        trouble.value = message.message;
        break;
      case 'setup':
        choice.value = settledChoice(choice.peek(), message);
        setup.value = message;
        break;
      case 'comparison':
        takeComparison(message);
        break;
      case 'compared':
        takeCompared(message);
        break;
      case 'alternatives':
        alternatives.value = message;
        break;
      case 'path':
        path.value = message;
        break;
      case 'strip':
        strip.value = message;
    }
  });
  effect(() => {
    keepState({ choice: choice.value });
  });
  post({ kind: 'ready' });
}

/** A comparison that was replaced may still say that it ended. */
function takeComparison(message: ComparisonMessage): void {
  const before = comparison.peek()?.generation;
  if (before !== undefined && message.generation < before) return;
  if (message.generation !== before) {
    // One that is told again keeps what is read of it.
    if (before !== undefined) choose({ sequence: 0 });
    compared.value = [];
    alternatives.value = null;
    token.value = -1;
  }
  comparison.value = message;
}

function takeCompared(message: ComparedSequence): void {
  if (message.generation !== comparison.peek()?.generation) return;
  // A view that is shown again is told some twice: from the work that goes on, and with all.
  if (message.sequence < compared.peek().length) return;
  compared.value = [...compared.peek(), message];
}
