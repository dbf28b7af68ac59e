import type { VNode } from 'preact';
import type { MovedToken } from '../core/checkpointDifference';
import type { ComparedSequence } from '../core/generated/checkpoints';
import { probabilityText, signedText } from './checkpointPictures';
import { compared, moved, openToken, read } from './checkpointsState';
import { visibleText } from './visibleText';

/** The tokens that became likelier and less likely by most; each opens its trace. */
export function MovedTokens(): VNode {
  return (
    <section class="moved" aria-label="Tokens that changed most">
      <MovedList side="up" title="Became likelier" />
      <MovedList side="down" title="Became less likely" />
    </section>
  );
}

function MovedList({ side, title }: { readonly side: 'up' | 'down'; readonly title: string }): VNode {
  const tokens = moved.value[side];
  return (
    <div class="moved-list" data-side={side}>
      <h2>{title}</h2>
      {tokens.length === 0 ? (
        <p class="secondary">No token by 0.05 or more.</p>
      ) : (
        <div class="moved-rows" tabIndex={0} role="group" aria-label={`${title}: ${tokens.length} tokens`}>
          <table>
            <thead>
              <tr>
                <th scope="col">d</th>
                <th scope="col">p</th>
                <th scope="col">token in its place</th>
                <th scope="col">text</th>
              </tr>
            </thead>
            <tbody>
              {tokens.map((one) => (
                <MovedRow moved={one} key={`${one.sequence} ${one.token}`} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function MovedRow({ moved: { sequence, token, difference } }: { readonly moved: MovedToken }): VNode | null {
  const within = compared.value[sequence];
  if (within === undefined) return null;
  const [left, words, right] = contextOf(within, token);
  const probability = (values: Float32Array): string => probabilityText(Math.exp(values[token] ?? NaN));
  return (
    <tr>
      <td class="number">{signedText(difference)}</td>
      <td class="number">
        {probability(within.before)} → {probability(within.after)}
      </td>
      <td>
        <button
          type="button"
          class="moved-token mono"
          title="Open the trace here"
          onFocus={({ currentTarget }) => {
            // Another text may be longer, which would move the list away under a mouse that is pressed.
            if (currentTarget.matches(':focus-visible')) read(sequence, token);
          }}
          onClick={() => {
            read(sequence, token);
            openToken(sequence, token);
          }}
        >
          <span class="secondary">{visibleText(left)}</span>
          <b>{visibleText(words)}</b>
          <span class="secondary">{visibleText(right)}</span>
        </button>
      </td>
      <td class="secondary">
        {visibleText(within.label)}, {within.verdict}, step {within.step}
      </td>
    </tr>
  );
}

const charactersBeside = 16;

/** A token between what stands before and after it, on one line. */
function contextOf({ text, starts }: ComparedSequence, token: number): readonly [string, string, string] {
  const [from, to] = [starts[token] ?? 0, starts[token + 1] ?? 0];
  const line = (part: string): string => part.replaceAll('\n', '⏎');
  const before = text.slice(Math.max(0, from - charactersBeside), from).replace(/^[\uDC00-\uDFFF]/, '');
  const after = text.slice(to, to + charactersBeside).replace(/[\uD800-\uDBFF]$/, '');
  return [line(before), line(text.slice(from, to)), line(after)];
}
