import { memo } from 'preact/compat';
import type { VNode } from 'preact';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { differenceLevel, differenceLimits } from '../core/checkpointDifference';
import { formatNumber } from '../core/format';
import type { Alternative, ComparedSequence } from '../core/generated/checkpoints';
import { probabilityText, signedText, tokenOfKey } from './checkpointPictures';
import { alternatives, choice, compared, differencesIn, openToken, read, shown, token } from './checkpointsState';
import { visibleText, visibleWords } from './visibleText';

/** The text of a sequence, tinted by how much likelier or less likely training made each token. */
export function DifferenceText({ before, after }: { readonly before: string; readonly after: string }): VNode | null {
  const sequence = shown.value;
  if (sequence === undefined) return null;
  return (
    <figure class="difference" data-figure="difference">
      <figcaption>
        <h2>Change of probability, token by token</h2>
        <SequenceChoice />
      </figcaption>
      <Legend />
      <Tokens sequence={sequence} />
      <TokenDetail sequence={sequence} before={before} after={after} />
    </figure>
  );
}

function SequenceChoice(): VNode {
  return (
    <label class="choice">
      <span class="secondary">Text</span>
      <select
        aria-label="Text"
        value={`${Math.min(choice.value.sequence, compared.value.length - 1)}`}
        onChange={({ currentTarget }) => {
          read(Number(currentTarget.value), 0);
        }}
      >
        {compared.value.map((one) => (
          <option value={`${one.sequence}`} key={one.sequence}>
            {visibleWords(`${one.label} · ${one.verdict} · ${one.prompt} · step ${one.step}`)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Legend(): VNode {
  const limits = differenceLimits.map((limit, place) => [limit, place + 1] as const);
  return (
    <p class="tint-legend" aria-hidden="true">
      <span class="secondary">d = p after − p before</span>
      {[...limits].reverse().map(([limit, level]) => (
        <span class={`token down${level}`} key={level}>
          −{limit}
        </span>
      ))}
      <span>similar</span>
      {limits.map(([limit, level]) => (
        <span class={`token up${level}`} key={level}>
          +{limit}
        </span>
      ))}
    </p>
  );
}

/** The chosen token is marked by hand: a text may have thousands. */
function Tokens({ sequence }: { readonly sequence: ComparedSequence }): VNode {
  const room = useRef<HTMLDivElement>(null);
  const levels = useMemo(() => Int8Array.from(differencesIn(sequence), differenceLevel), [sequence]);
  const at = token.value;
  useLayoutEffect(() => {
    const chosen = room.current?.querySelector(`[data-token="${at}"]`);
    chosen?.classList.add('chosen');
    if (room.current !== null && chosen instanceof HTMLElement) scrollWithin(room.current, chosen);
    return () => chosen?.classList.remove('chosen');
  }, [sequence, at]);
  return (
    <div
      ref={room}
      class="difference-text"
      tabIndex={0}
      role="group"
      aria-label="Tokens. Left and right go through them, up and down through those that changed, Enter opens the trace at one."
      onClick={({ target }) => {
        const place = tokenUnder(target);
        if (place !== undefined) read(sequence.sequence, place);
      }}
      onDblClick={({ target }) => {
        const place = tokenUnder(target);
        if (place !== undefined) openToken(sequence.sequence, place);
      }}
      onKeyDown={(event) => {
        const next = tokenOfKey(event.key, at, levels);
        if (next !== undefined) read(sequence.sequence, next);
        else if (event.key === 'Enter' && at >= 0) openToken(sequence.sequence, at);
        else return;
        event.preventDefault();
      }}
    >
      <TokenSpans sequence={sequence} levels={levels} />
    </div>
  );
}

const TokenSpans = memo(function TokenSpans(props: {
  readonly sequence: ComparedSequence;
  readonly levels: Int8Array;
}): VNode {
  const { sequence, levels } = props;
  return (
    <>
      {Array.from(levels, (level, place) => (
        <span
          key={place}
          data-token={place}
          class={level === 0 ? 'token' : `token ${level > 0 ? 'up' : 'down'}${Math.abs(level)}`}
          title={tooltip(sequence, place)}
        >
          {shownToken(textOf(sequence, place))}
        </span>
      ))}
    </>
  );
});

/** What the token is worth under both, in a sentence that is read aloud, and what else could stand there. */
function TokenDetail(props: {
  readonly sequence: ComparedSequence;
  readonly before: string;
  readonly after: string;
}): VNode {
  const { sequence, before, after } = props;
  const at = token.value;
  if (at < 0 || at >= sequence.before.length)
    return (
      <p class="token-detail secondary" role="status">
        Click a token, or go to it by the arrow keys; a double click or Enter opens the trace there.
      </p>
    );
  const known = alternatives.value;
  const isTold = known?.sequence === sequence.sequence && known.token === at;
  return (
    <div class="token-detail">
      <p role="status">
        <span class="mono">“{visibleText(textOf(sequence, at))}”</span> token {at + 1}: p{' '}
        {probabilityText(Math.exp(sequence.before[at] ?? NaN))} → {probabilityText(Math.exp(sequence.after[at] ?? NaN))}{' '}
        (d {signedText(differencesIn(sequence)[at] ?? NaN)}), rank {rankText(sequence.rankBefore[at])} →{' '}
        {rankText(sequence.rankAfter[at])}, entropy {formatNumber(sequence.entropyBefore[at])} →{' '}
        {formatNumber(sequence.entropyAfter[at])} nats{' '}
        <button
          type="button"
          class="link"
          onClick={() => {
            openToken(sequence.sequence, at);
          }}
        >
          Open Trace Here
        </button>
      </p>
      {isTold && (
        <div class="alternatives">
          <Alternatives name={before} tokens={known.before} />
          <Alternatives name={after} tokens={known.after} />
        </div>
      )}
    </div>
  );
}

function Alternatives({ name, tokens }: { readonly name: string; readonly tokens: readonly Alternative[] }): VNode {
  return (
    <table>
      <caption>likeliest under {visibleText(name)}</caption>
      <tbody>
        {tokens.map(({ words, probability }, rank) => (
          <tr key={rank}>
            <th scope="row" class="mono">
              {visibleText(words)}
            </th>
            <td class="number">{probabilityText(probability)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The text alone is scrolled: the page stays where it is, under the mouse. */
function scrollWithin(room: HTMLElement, chosen: HTMLElement): void {
  const [outer, inner] = [room.getBoundingClientRect(), chosen.getBoundingClientRect()];
  if (inner.top < outer.top) room.scrollTop -= outer.top - inner.top + scrollMargin;
  else if (inner.bottom > outer.bottom) room.scrollTop += inner.bottom - outer.bottom + scrollMargin;
}

const scrollMargin = 22;

function tooltip(sequence: ComparedSequence, place: number): string {
  const [before, after] = [sequence.before[place] ?? NaN, sequence.after[place] ?? NaN];
  return `p ${probabilityText(Math.exp(before))} → ${probabilityText(Math.exp(after))}`;
}

function textOf({ text, starts }: ComparedSequence, place: number): string {
  return text.slice(starts[place] ?? 0, starts[place + 1] ?? 0);
}

/** A line feed can be pointed at too. */
function shownToken(text: string): ReturnType<typeof visibleText> {
  return visibleText(text.replaceAll('\n', '⏎\n'));
}

/** Counted from 1, as people do. */
function rankText(rank: number | undefined): string {
  return rank === undefined || rank < 0 ? '–' : `${rank + 1}`;
}

function tokenUnder(target: EventTarget | null): number | undefined {
  const found = target instanceof Element ? target.closest('[data-token]') : null;
  const place = found?.getAttribute('data-token');
  return place === null || place === undefined ? undefined : Number(place);
}
