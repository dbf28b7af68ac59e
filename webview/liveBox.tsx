import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { RunHeader } from '../core/generated/panel';
import { formatCount } from '../core/format';
import { live } from './page';
import { hasEnded } from './headerBar';
import { visibleText, visibleWords } from './visibleText';

/** What the trainer is at within the step, and a rollout while it is written. */
export function LiveBox({ run }: { readonly run: RunHeader }): VNode | null {
  const now = live.value;
  if (now === null || now.run !== 0 || hasEnded(run.state)) return null;
  const { step, phase, done, total, tokensPerSecond, prompt, text } = now;
  return (
    <section class="live" aria-label="Being written now">
      <div class="live-head">
        <h2>Being written now</h2>
        <span class="secondary">
          step {step}, {phase}
          {total > 0 ? ` ${formatCount(done)} of ${formatCount(total)}` : ''}
        </span>
        {total > 0 && <progress max={total} value={done} aria-label={phase} />}
        <span class="spacer" />
        {tokensPerSecond !== null && <span class="secondary">{formatCount(tokensPerSecond)} tokens/s</span>}
      </div>
      {text !== null && (
        <>
          {prompt !== null && (
            <div class="prompt secondary one-line" title={visibleWords(prompt)}>
              {visibleText(prompt)}
            </div>
          )}
          <GrowingText text={text} />
        </>
      )}
    </section>
  );
}

/** Only what was added is put to the page; the end stays in sight. */
function GrowingText({ text }: { readonly text: string }): VNode {
  const box = useRef<HTMLDivElement>(null);
  const written = useRef('');
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const before = written.current;
    const goesOn = text.startsWith(before);
    if (!goesOn) element.replaceChildren();
    const added = goesOn ? text.slice(before.length) : text;
    written.current = text;
    if (added !== '') element.append(visibleWordsKeepingLines(added));
    element.scrollTop = element.scrollHeight;
  }, [text]);
  // A text that is longer than the box is scrolled by keys too.
  return <div class="response live-text" ref={box} tabIndex={0} role="group" aria-label="Text so far" />;
}

function visibleWordsKeepingLines(text: string): string {
  return text.split('\n').map(visibleWords).join('\n');
}
