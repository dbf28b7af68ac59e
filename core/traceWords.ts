import { formatNumber } from './format';
import { valueAt } from './columns';
import type { RolloutIndex } from './rolloutIndex';
import { hexOf, shownBreaks } from './tokenWords';
import { column, tokenBytes, tokenCount, tokenText, type Trace } from './trace';
import { summed, termsOf, totalPull } from './traceOverlays';

/** One figure of a token, in words. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** All that the files know of a token; what was not stored is left out. `advantage` is that of the sequence. */
export function factsOfToken(trace: Trace, token: number, advantage: number): Fact[] {
  const at = (name: string): number => column(trace, name)?.[token] ?? NaN;
  const logprob = at('logprob');
  const own = at('advantage');
  const terms = termsOf(trace).filter(({ values }) => (values[token] ?? 0) !== 0 && Number.isFinite(values[token]));
  const pull = totalPull(trace)?.[token] ?? NaN;
  const entropyPull = at('entropy_pull');
  const id = trace.record.columns.get('id')?.values[token];
  return [
    fact('position', `${token + 1} of ${tokenCount(trace)}`),
    ...(id === undefined ? [] : [fact('id', `${id}`)]),
    fact('bytes', hexOf(tokenBytes(trace, token))),
    ...finite('log-prob', logprob),
    ...finite('probability', Math.exp(logprob)),
    ...finite('entropy', at('entropy'), ' nats'),
    ...finite('advantage', Number.isFinite(own) ? own : advantage),
    ...finite('pull', pull, consequence(pull)),
    ...(terms.length < 2 ? [] : terms.map(({ name, values }) => fact(`pull, ${name}`, signed(values[token] ?? NaN)))),
    ...(terms.length === 1 ? [fact('term', terms[0]?.name ?? '')] : []),
    ...(entropyPull === 0 ? [] : finite('pull on the entropy', entropyPull)),
    ...(at('origin') === 1 ? [fact('origin', 'demonstration')] : []),
  ];
}

/** A token as people read it: what hides or breaks a line is shown by its name. */
export function shownToken(trace: Trace, token: number): string {
  const text = tokenText(trace, token);
  if (text === '') return 'a part of the next character';
  return `"${shownBreaks(text)}"`;
}

/** Figures of a whole trace, from its row of the index and its tokens. */
export function factsOfTrace(trace: Trace, index: RolloutIndex, row: number): Fact[] {
  const entropy = column(trace, 'entropy');
  const logprob = column(trace, 'logprob');
  const count = tokenCount(trace);
  return [
    fact('tokens', `${count}`),
    ...finite('reward', valueAt(index.numbers.reward, row)),
    ...[...index.parts].flatMap(([name, values]) => finite(`reward part ${name}`, valueAt(values, row))),
    ...finite('advantage', valueAt(index.numbers.advantage, row)),
    ...[...index.weights].flatMap(([name, values]) => finite(name, valueAt(values, row))),
    ...(entropy === undefined ? [] : finite('mean entropy', summed(entropy, 0, count).mean, ' nats')),
    ...(logprob === undefined ? [] : finite('sum of log-probs', summed(logprob, 0, count).sum)),
  ];
}

function fact(name: string, value: string): Fact {
  return { name, value };
}

function finite(name: string, value: number, more = ''): Fact[] {
  return Number.isFinite(value) ? [fact(name, `${signed(value)}${more}`)] : [];
}

function signed(value: number): string {
  return value < 0 ? `−${formatNumber(-value)}` : formatNumber(value);
}

function consequence(pull: number): string {
  if (!Number.isFinite(pull)) return '';
  if (pull === 0) return ': the update leaves the token as it is';
  return pull > 0 ? ': the update makes the token likelier' : ': the update makes the token less likely';
}
