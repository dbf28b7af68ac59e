import type { ComponentChildren, VNode } from 'preact';
import type { PreviewAnswer } from '../core/generated/panel';
import { formatCount, formatNumber } from '../core/format';
import { wish } from './host';
import { Icon, Verdict } from './icon';
import { runs } from './page';
import { chosen, lines, openTrace, preview, previewTrouble, showGroup } from './rolloutState';
import { visibleText } from './visibleText';

/** The chosen rollout, whole, its tokens tinted by their entropy. */
export function Preview(): VNode | null {
  const row = chosen.value;
  if (row === null) return null;
  const answer = preview.value?.row === row ? preview.value : null;
  const line = lines.value.get(row);
  return (
    <section class="preview" aria-label="Chosen rollout">
      <div class="preview-head">
        {line !== undefined && <Verdict correct={line.correct} />}
        {line !== undefined && (
          <span class="one-line">
            step {line.step} · {visibleText(line.prompt)} · {formatCount(line.tokens)} tokens · reward{' '}
            {formatNumber(line.reward)}
            {line.truncated ? ' · truncated' : ''}
          </span>
        )}
        <span class="secondary one-line">{answer?.id}</span>
        <span class="spacer" />
        {answer !== null && (
          <button
            type="button"
            class="link"
            title="Open as a document (Enter in the list)"
            onClick={() => {
              openTrace(row);
            }}
          >
            Open Trace
          </button>
        )}
        {answer !== null && (
          <button
            type="button"
            class="link"
            title="All answers to this prompt in this step (G in the list)"
            onClick={() => {
              showGroup(row);
            }}
          >
            Group
          </button>
        )}
        {runs.value.length === 1 && (
          <button
            type="button"
            class="link"
            onClick={() => {
              wish('showRecipe');
            }}
          >
            Recipe
          </button>
        )}
        <button
          type="button"
          class="icon-button"
          aria-label="Close"
          title="Close"
          onClick={() => {
            chosen.value = null;
          }}
        >
          <Icon name="close" />
        </button>
      </div>
      {previewTrouble.value !== null && <div class="list-note">{previewTrouble.value}</div>}
      {answer !== null && <Whole answer={answer} />}
    </section>
  );
}

/** The text of a rollout with its prompt and figures. */
export function Whole({ answer }: { readonly answer: PreviewAnswer }): VNode {
  return (
    <div class="preview-body" tabIndex={0}>
      {answer.note !== null && (
        <div class="note">
          <Icon name="info" /> <span>{visibleText(answer.note)}</span>
        </div>
      )}
      {answer.entropy.length === 0 && answer.note === null && (
        <div class="note secondary">
          <Icon name="info" /> <span>No entropies were recorded for these tokens, so the text has no tint.</span>
        </div>
      )}
      <div class="prompt secondary">{visibleText(answer.prompt)}</div>
      <div class="response">{tinted(answer)}</div>
      {answer.text.length < answer.characters && (
        <div class="secondary">
          {formatCount(answer.text.length)} of {formatCount(answer.characters)} characters shown
        </div>
      )}
      <div class="preview-figures">
        {answer.figures.map(({ name, value }) => (
          <span key={name}>
            <span class="secondary">{name}</span> {value}
          </span>
        ))}
      </div>
    </div>
  );
}

/** Least entropy of each tint, in nats. */
const tints = [0.2, 0.4, 0.7, 1.0, 1.3];

/** Neighbours of one tint share an element; a text of thousands of tokens stays light. */
function tinted({ text, pieces, entropy }: PreviewAnswer): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let start = 0;
  pieces.forEach((end, token) => {
    const tint = tintOf(entropy[token] ?? NaN);
    const isRunOn = tintOf(entropy[token + 1] ?? NaN) === tint && tint === 0 && token + 1 < pieces.length;
    if (isRunOn) return;
    const words = visibleText(text.slice(start, end));
    parts.push(
      tint === 0 ? (
        <span>{words}</span>
      ) : (
        <span class={`tint tint-${tint}`} title={`${formatNumber(entropy[token])} nats`}>
          {words}
        </span>
      ),
    );
    start = end;
  });
  parts.push(...visibleText(text.slice(start)));
  return parts;
}

function tintOf(nats: number): number {
  return tints.filter((least) => nats >= least).length;
}
