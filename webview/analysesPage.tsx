import type { VNode } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { formatCount, formatShare } from '../core/format';
import type { RunMessage, TokensMessage } from '../core/generated/analyses';
import { post } from './analysesHost';
import { choice, readSteps, tokens } from './analysesState';
import type { AnalysisFigure } from './analysisPlot';
import { pullFigure, stepFigures } from './analysisSteps';
import { entropyFigure, profileFigure, ratioFigure } from './analysisTokens';
import { Icon } from './icon';
import { PlotTable, PlotView } from './plotView';
import { ScatterTable, TokenScatter } from './scatter';
import { visibleText, visibleWords } from './visibleText';

/** The pictures of a run: over its steps, and of the tokens of some of them. */
export function AnalysesPage({ message }: { readonly message: RunMessage }): VNode {
  const told = tokens.value;
  const overSteps = useMemo(() => stepFigures(message), [message]);
  const ofTokens = useMemo(
    () => (told === null ? [] : [pullFigure(told), entropyFigure(told), ratioFigure(told)]),
    [told],
  );
  const profile = useMemo(() => (told === null ? null : profileFigure(told)), [told]);
  return (
    <>
      <Head message={message} />
      <main class="analyses" tabIndex={-1}>
        {overSteps.map((figure) => (
          <FigureView figure={figure} key={figure.id} />
        ))}
        <TokensHead message={message} told={told} />
        {ofTokens.map((figure) => (
          <FigureView figure={figure} key={figure.id} />
        ))}
        {told !== null && <ScatterView message={told} />}
        {profile !== null && <FigureView figure={profile} />}
      </main>
    </>
  );
}

function Head({ message: { run, other, isAlive } }: { readonly message: RunMessage }): VNode {
  return (
    <header class="part-head analyses-head">
      <h1 class="one-line" title={visibleWords(run.name)}>
        Analyses of {visibleText(run.name)}
      </h1>
      <span class="fact">
        <span class="secondary">step</span> {formatCount(run.last)}
        {run.steps === null ? '' : ` / ${formatCount(run.steps)}`}
      </span>
      {isAlive && (
        <span class="fact">
          <Icon name="sync" /> live
        </span>
      )}
      <span class="spacer" />
      {other === null ? (
        <button
          type="button"
          class="link"
          onClick={() => {
            post({ kind: 'compareWith', other: 'ask' });
          }}
        >
          Compare With…
        </button>
      ) : (
        <button
          type="button"
          class="chip"
          title="Draw this run alone"
          aria-label={`Beside ${visibleWords(other.name)}: draw this run alone`}
          onClick={() => {
            post({ kind: 'compareWith', other: 'none' });
          }}
        >
          <span>beside {visibleText(other.name)}</span> <Icon name="close" />
        </button>
      )}
    </header>
  );
}

/** Which tokens the pictures below are of. */
function TokensHead({ message, told }: { readonly message: RunMessage; readonly told: TokensMessage | null }): VNode {
  const { run } = message;
  return (
    <section class="tokens-head" aria-label="Tokens of the pictures">
      <h2>Tokens of training</h2>
      <StepsForm key={`${choice.value.from} ${choice.value.to}`} first={run.first} last={run.last} />
      <p role="status">
        {told === null ? 'Reading tokens…' : tokensWords(told)}
        {told?.notes.map((note) => (
          <span class="note" key={note}>
            <Icon name="info" /> {visibleText(note)}
          </span>
        ))}
      </p>
    </section>
  );
}

function tokensWords({
  share,
  sequences,
  sequencesThere,
  tokens: count,
  tokensThere,
  from,
  to,
}: TokensMessage): string {
  const steps = to === null ? `from step ${from} on` : from === to ? `step ${from}` : `steps ${from}–${to}`;
  const reading = share < 1 ? `Reading, ${formatShare(share)} done: ` : '';
  const of = (some: number, all: number): string =>
    some === all ? formatCount(all) : `${formatCount(some)} of ${formatCount(all)}`;
  return `${reading}${of(count, tokensThere)} tokens of ${of(sequences, sequencesThere)} sequences, ${steps}.`;
}

/** The pull and all pictures below it are of these steps. */
function StepsForm({ first, last }: { readonly first: number; readonly last: number }): VNode {
  const { from, to } = choice.value;
  const [written, write] = useState({ from: from?.toString() ?? '', to: to?.toString() ?? '' });
  const wanted = { from: stepIn(written.from), to: stepIn(written.to) };
  const isWrong =
    wanted.from === undefined ||
    wanted.to === undefined ||
    (wanted.from !== null && wanted.to !== null && wanted.from > wanted.to);
  return (
    <form
      class="steps-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isWrong) readSteps(wanted.from ?? null, wanted.to ?? null);
      }}
    >
      <label>
        <span class="secondary">steps</span>{' '}
        <input
          inputMode="numeric"
          aria-label="First step"
          aria-invalid={isWrong}
          placeholder={`${first}`}
          value={written.from}
          onInput={({ currentTarget }) => {
            write({ ...written, from: currentTarget.value });
          }}
        />
      </label>
      <label>
        <span class="secondary">to</span>{' '}
        <input
          inputMode="numeric"
          aria-label="Last step"
          aria-invalid={isWrong}
          placeholder={`${last}`}
          value={written.to}
          onInput={({ currentTarget }) => {
            write({ ...written, to: currentTarget.value });
          }}
        />
      </label>
      <button type="submit" class="link" disabled={isWrong}>
        Show
      </button>
      {(from !== null || to !== null) && (
        <button
          type="button"
          class="link"
          onClick={() => {
            readSteps(null, null);
          }}
        >
          Whole run
        </button>
      )}
      {isWrong && <span role="alert">Steps are whole numbers, the first not above the last.</span>}
    </form>
  );
}

/** A step; null where nothing is written, undefined for what is none. */
function stepIn(text: string): number | null | undefined {
  if (text.trim() === '') return null;
  return /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined;
}

function FigureView({ figure }: { readonly figure: AnalysisFigure }): VNode {
  const { id, title, sentence, source, plots } = figure;
  return (
    <figure class="analysis" data-figure={id}>
      <figcaption>
        <h2>{title}</h2>
        <p>{sentence}</p>
        <p class="secondary">{source}</p>
      </figcaption>
      {plots.map((plot) => (
        <PlotView plot={plot} key={plot.name} />
      ))}
      <details class="numbers">
        <summary>Numbers of {title.toLowerCase()}</summary>
        {plots.map((plot) => (
          <PlotTable plot={plot} key={plot.name} />
        ))}
      </details>
    </figure>
  );
}

function ScatterView({ message }: { readonly message: TokensMessage }): VNode {
  return (
    <figure class="analysis" data-figure="scatter">
      <figcaption>
        <h2>Entropy against pull</h2>
        <p>Each mark is a token: how open the policy was there, and which way the update pushed it.</p>
        <p class="secondary">pull of Eq. 8, 10 and 12 of arXiv 2506.19767; not drawn there</p>
      </figcaption>
      {message.points.words.length === 0 ? (
        <p class="no-numbers secondary">No token with an entropy and a pull has been read of these steps.</p>
      ) : (
        <TokenScatter message={message} />
      )}
      <details class="numbers">
        <summary>Numbers of entropy against pull</summary>
        <ScatterTable message={message} />
      </details>
    </figure>
  );
}
