import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { formatNumber } from '../core/format';
import type { PlaygroundSetup } from '../core/generated/playground';
import { natLimits } from '../core/traceOverlays';
import { AnswerColumn } from './answerColumn';
import { Icon } from './icon';
import { PromptPart } from './promptPart';
import { post } from './playgroundHost';
import { signedNumber, type Tint } from './answerTokens';
import { change, form, isBusy, pointed, pointedToken, run, stop } from './playgroundState';
import { visibleText } from './visibleText';

/** The prompt, and beneath it what each checkpoint makes of it. */
export function PlaygroundPage({ setup }: { readonly setup: PlaygroundSetup }): VNode {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run();
      else if (event.key === 'Escape' && isBusy.peek()) stop();
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', press);
    return () => {
      window.removeEventListener('keydown', press);
    };
  }, []);
  return (
    <>
      <Head />
      <main class="playground" tabIndex={-1}>
        <PromptPart setup={setup} />
        {setup.trouble !== '' && (
          <p class="note playground-trouble" role="status">
            <Icon name="info" /> <span>{setup.trouble}</span>
          </p>
        )}
        <div class="answers">
          {setup.checkpoints.map((checkpoint, column) => (
            <AnswerColumn checkpoint={checkpoint} column={column} key={column} />
          ))}
        </div>
      </main>
      <TokenLine />
    </>
  );
}

const tints: readonly (readonly [Tint, string])[] = [
  ['surprise', 'Surprise'],
  ['entropy', 'Entropy'],
  ['none', 'None'],
];

function Head(): VNode {
  const chosen = form.value.tint;
  return (
    <header class="part-head playground-head">
      <h1>Playground</h1>
      <button
        type="button"
        class="link"
        onClick={() => {
          post({ kind: 'choose' });
        }}
      >
        Choose Checkpoints…
      </button>
      <span class="spacer" />
      <div class="filters" role="group" aria-label="Tint of tokens">
        {tints.map(([tint, label]) => (
          <button
            type="button"
            key={tint}
            class={tint === chosen ? 'filter chosen' : 'filter'}
            aria-pressed={tint === chosen}
            onClick={() => {
              change({ tint });
            }}
          >
            {label}
          </button>
        ))}
      </div>
      {chosen !== 'none' && <Legend tint={chosen} />}
    </header>
  );
}

function Legend({ tint }: { readonly tint: Exclude<Tint, 'none'> }): VNode {
  const words = tint === 'surprise' ? '−log p, nats' : 'nats';
  return (
    <span class="tint-legend">
      <span class="secondary">{words}</span>
      {natLimits.map((limit, place) => (
        <span class={`tint tint-${place + 1}`} key={limit}>
          {limit}
          {place === natLimits.length - 1 ? ' +' : ''}
        </span>
      ))}
    </span>
  );
}

/** Figures of the token under the mouse, or where the arrows are. */
function TokenLine(): VNode {
  const place = pointed.value;
  const token = pointedToken.value;
  return (
    <div class="token-line" role="status">
      {place === null || token === undefined ? (
        <span class="secondary">Point at a token, or read an answer with the arrow keys.</span>
      ) : (
        <>
          <span class="fact">
            <span class="secondary">token</span> {place.token + 1}
          </span>
          <span class="fact mono">{token.text === '' ? 'a part of the next character' : shownText(token.text)}</span>
          <span class="fact">
            <span class="secondary">log p</span> {signedNumber(token.logProb)}
          </span>
          <span class="fact">
            <span class="secondary">p</span> {formatNumber(Math.exp(token.logProb))}
          </span>
          <span class="fact">
            <span class="secondary">entropy</span> {signedNumber(token.entropy)} nats
          </span>
          <span class="fact">
            <span class="secondary">id</span> {token.id}
          </span>
          {token.isSpecial && <span class="fact">special token</span>}
        </>
      )}
    </div>
  );
}

function shownText(text: string): VNode {
  const words = text.replaceAll('\n', '⏎').replaceAll('\t', '⇥');
  return <span>“{visibleText(words)}”</span>;
}
