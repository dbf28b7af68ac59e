import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { formatCount, formatNumber } from '../core/format';
import type { AskedCheckpoint, ShownPrompt } from '../core/generated/playground';
import { AnswerText } from './answerText';
import { countOf, signedNumber, sumsOf } from './answerTokens';
import { Icon } from './icon';
import { post } from './playgroundHost';
import { answers, form, isGoingOn, keepAnswer, prompts, type ShownAnswer } from './playgroundState';
import { visibleText, visibleWords } from './visibleText';

/** What one checkpoint makes of the prompt. */
export function AnswerColumn({
  checkpoint: { name, detail },
  column,
}: {
  readonly checkpoint: AskedCheckpoint;
  readonly column: number;
}): VNode {
  const answer = answers.value.get(column);
  const prompt = prompts.value.get(column);
  return (
    <section class="answer" aria-label={`Answer of ${visibleWords(name)}`} data-column={column}>
      <h2>
        {visibleText(name)} <span class="secondary answer-detail">{visibleText(detail)}</span>
      </h2>
      {prompt !== undefined && prompt.note !== '' && (
        <p class="note">
          <Icon name="info" /> <span>{prompt.note}</span>
        </p>
      )}
      {form.value.showsPrompt && prompt !== undefined && <GivenPrompt prompt={prompt} name={name} />}
      {answer !== undefined && (
        <>
          <State answer={answer} />
          <AnswerText blocks={answer.blocks} column={column} name={name} />
          <Sums answer={answer} />
          <Deeds answer={answer} column={column} name={name} />
        </>
      )}
    </section>
  );
}

/** Exactly what the checkpoint was given, special tokens marked. */
function GivenPrompt({ prompt, name }: { readonly prompt: ShownPrompt; readonly name: string }): VNode {
  const { pieces, tokens, problem } = prompt;
  if (problem !== '') return <Problem words={problem} />;
  return (
    <div class="given-prompt">
      <div class="secondary">prompt, {formatCount(tokens)} tokens</div>
      <div
        class="answer-text given"
        tabIndex={0}
        role="region"
        aria-label={`Prompt as ${visibleWords(name)} is given it`}
      >
        {pieces.map(({ text, special }, place) => (
          <span class={special ? 'special-token' : ''} key={place}>
            {visibleText(text)}
          </span>
        ))}
      </div>
    </div>
  );
}

function Problem({ words }: { readonly words: string }): VNode {
  return (
    <p class="note answer-problem" role="alert">
      <Icon name="error" /> <span>{visibleText(words)}</span>
    </p>
  );
}

function State({ answer }: { readonly answer: ShownAnswer }): VNode | null {
  const { state, problem, provider } = answer.news;
  if (state === 'none') return null;
  if (state === 'failed') return <Problem words={problem} />;
  return (
    <p class="answer-state" role="status">
      <StateSign state={state} /> <StateWords answer={answer} />
      {provider !== '' && <span class="secondary"> · {provider}</span>}
    </p>
  );
}

function StateSign({ state }: { readonly state: ShownAnswer['news']['state'] }): VNode {
  switch (state) {
    case 'ended':
      return <Icon name="check" />;
    case 'cut':
      return <Icon name="warning" />;
    case 'stopped':
      return <Icon name="circle-slash" />;
    case 'none':
    case 'failed':
    case 'waiting':
    case 'loading':
    case 'writing':
      return <Icon name="sync" spin />;
  }
}

function StateWords({ answer }: { readonly answer: ShownAnswer }): VNode {
  const { state } = answer.news;
  const count = countOf(answer.blocks);
  const seconds = useSeconds(answer, state === 'waiting' || state === 'loading');
  // Not read out each second.
  const counted = <span aria-hidden="true">, {seconds} s</span>;
  const words: Readonly<Record<typeof state, ComponentChildren>> = {
    none: '',
    waiting: <>waits for the checkpoint before it{counted}</>,
    loading: <>loading{counted}</>,
    writing: 'writing',
    ended: 'ended by its end token',
    cut: `cut at ${formatCount(count)} tokens`,
    stopped: count === 0 ? 'stopped before the first token' : `stopped after ${formatCount(count)} tokens`,
    failed: '',
  };
  return <span>{words[state]}</span>;
}

/** Whole seconds since the state began, counted on while `isCounting`. */
function useSeconds({ news, at }: ShownAnswer, isCounting: boolean): number {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!isCounting) return undefined;
    const timer = setInterval(() => {
      tick((ticks) => ticks + 1);
    }, 1000);
    return () => {
      clearInterval(timer);
    };
  }, [isCounting]);
  return Math.floor(news.seconds + (performance.now() - at) / 1000);
}

function Sums({ answer: { blocks, news } }: { readonly answer: ShownAnswer }): VNode | null {
  const { logProb, meanEntropy } = useMemo(() => sumsOf(blocks), [blocks]);
  const count = countOf(blocks);
  if (count === 0) return null;
  return (
    <p class="answer-sums">
      <span class="fact">
        {formatCount(count)} <span class="secondary">tokens</span>
      </span>
      {news.speed !== null && (
        <span class="fact">
          {formatNumber(news.speed)} <span class="secondary">tokens/s</span>
        </span>
      )}
      <span class="fact">
        <span class="secondary">Σ log p</span> {signedNumber(logProb)}
      </span>
      <span class="fact">
        <span class="secondary">mean entropy</span> {signedNumber(meanEntropy)} nats
      </span>
    </p>
  );
}

function Deeds({
  answer: { blocks, news },
  column,
  name,
}: {
  readonly answer: ShownAnswer;
  readonly column: number;
  readonly name: string;
}): VNode | null {
  if (countOf(blocks) === 0 || isGoingOn(news.state)) return null;
  const copy = (form: 'text' | 'markdown') => (): void => {
    post({ kind: 'copy', column, form });
  };
  const of = `the answer of ${visibleWords(name)}`;
  return (
    <div class="answer-deeds">
      {form.value.asked !== null && (
        <button
          type="button"
          class="link"
          title="Keep this answer as a turn, and say the next thing"
          aria-label={`Continue With This: ${of}`}
          onClick={() => {
            keepAnswer(column);
            document.getElementById('prompt-text')?.focus();
          }}
        >
          Continue With This
        </button>
      )}
      <button type="button" class="link" aria-label={`Copy: ${of}`} onClick={copy('text')}>
        Copy
      </button>
      <button type="button" class="link" aria-label={`Copy as Markdown: ${of}`} onClick={copy('markdown')}>
        Copy as Markdown
      </button>
    </div>
  );
}
