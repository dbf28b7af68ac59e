import { memo } from 'preact/compat';
import type { VNode } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { probabilityLevel, probabilityLimits } from '../core/checkpointDifference';
import { formatCount } from '../core/format';
import type { StripMessage, StripProbe } from '../core/generated/checkpoints';
import { cellOfKey, probabilityText } from './checkpointPictures';
import { post } from './checkpointsHost';
import { choice, choose, strip } from './checkpointsState';
import { visibleText, visibleWords } from './visibleText';
import { WorkState } from './workState';

/** When each token of a fixed text became likely: checkpoints downwards, tokens across. */
export function ProbeStrip(): VNode {
  const message = strip.value;
  const probe = message?.probes[Math.min(choice.value.probe, message.probes.length - 1)];
  const state = message?.state ?? 'none';
  return (
    <section class="strip" data-figure="strip" aria-label="Probe strip">
      <div class="section-head">
        <h2>Probe strip</h2>
        <button
          type="button"
          class="link"
          disabled={state === 'scoring'}
          onClick={() => {
            post({ kind: 'scoreStrip' });
          }}
        >
          {state === 'none' ? 'Score Probes' : 'Score Again'}
        </button>
        {message !== null && state !== 'none' && <WorkState {...message} unit="scores" work="strip" />}
        <p class="secondary caption">
          How likely each checkpoint finds the tokens of one text a probe, the first right answer to it that was
          recorded, else the first: read downwards, it shows when a token became likely.
        </p>
        {message !== null && state !== 'none' && !message.isOfProbes && <NoProbes message={message} />}
      </div>
      {message !== null && probe !== undefined && (
        <>
          <ProbeChoice message={message} />
          <StripGrid message={message} probe={probe} place={message.probes.indexOf(probe)} />
        </>
      )}
    </section>
  );
}

function NoProbes({ message }: { readonly message: StripMessage }): VNode {
  return (
    <p class="strip-note">
      {message.probes.length === 0
        ? 'This run has no probes and no evaluation whose tokens were kept. '
        : 'This run has no probes; answers to problems of its last evaluation stand in for them. '}
      Probes are asked for in the recipe: <code>{'"probes": { "first": 3 }'}</code> beside its <code>evaluation</code>.{' '}
      <button
        type="button"
        class="link"
        onClick={() => {
          post({ kind: 'showRecipe' });
        }}
      >
        Show Recipe
      </button>
    </p>
  );
}

function ProbeChoice({ message }: { readonly message: StripMessage }): VNode {
  return (
    <div class="strip-head">
      <label class="choice">
        <span class="secondary">{message.isOfProbes ? 'Probe' : 'Problem'}</span>
        <select
          aria-label={message.isOfProbes ? 'Probe' : 'Problem'}
          value={`${Math.min(choice.value.probe, message.probes.length - 1)}`}
          onChange={({ currentTarget }) => {
            choose({ probe: Number(currentTarget.value) });
          }}
        >
          {message.probes.map(({ prompt, label, verdict }, place) => (
            <option value={`${place}`} key={prompt}>
              {visibleWords(`${prompt} · ${label} · ${verdict}`)}
            </option>
          ))}
        </select>
      </label>
      <p class="tint-legend" aria-hidden="true">
        <span class="secondary">p in %</span>
        {probabilityLimits.map((limit, place) => (
          <span class={`cell tint${place + 1}`} key={limit}>
            {Math.round(limit * 100)}
          </span>
        ))}
      </p>
    </div>
  );
}

interface GridProps {
  readonly message: StripMessage;
  readonly probe: StripProbe;
  /** Of the probe among those told. */
  readonly place: number;
}

/** A grid with one cell that is read; arrows move it, Enter opens the trace at its token. */
function StripGrid({ message, probe, place }: GridProps): VNode {
  const room = useRef<HTMLDivElement>(null);
  const [at, go] = useState({ row: 0, column: 0 });
  const { rows, words, tokens } = probe;
  const row = Math.min(at.row, rows.length - 1);
  const column = Math.min(at.column, words.length - 1);
  useLayoutEffect(() => {
    const chosen = room.current?.querySelector(`#${cellId(row, column)}`);
    chosen?.classList.add('chosen');
    if (document.activeElement === room.current) chosen?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    return () => chosen?.classList.remove('chosen');
  }, [probe, row, column]);
  const open = (token: number): void => {
    post({ kind: 'openToken', of: 'strip', generation: message.generation, sequence: place, token });
  };
  if (rows.length === 0) return <p class="secondary">No checkpoint has been asked about it yet.</p>;
  return (
    <>
      <div
        ref={room}
        class="strip-grid"
        role="grid"
        tabIndex={0}
        aria-label="Probability of each token under each checkpoint. Arrow keys move, Enter opens the trace at the token."
        aria-rowcount={rows.length + 1}
        aria-colcount={words.length + 1}
        aria-activedescendant={cellId(row, column)}
        onClick={({ target }) => {
          const cell = cellUnder(target);
          if (cell !== undefined) go(cell);
        }}
        onDblClick={({ target }) => {
          const cell = cellUnder(target);
          if (cell !== undefined) open(cell.column);
        }}
        onKeyDown={(event) => {
          const next = cellOfKey(event.key, { row, column }, rows.length, words.length);
          if (next !== undefined) go(next);
          else if (event.key === 'Enter') open(column);
          else return;
          event.preventDefault();
        }}
      >
        <StripTable probe={probe} />
      </div>
      <p class="strip-words" role="status">
        <span class="mono">“{visibleText(words[column] ?? '')}”</span> token {column + 1} of {formatCount(tokens)} under{' '}
        {visibleText(rows[row]?.name ?? '')}: p {probabilityText(rows[row]?.probability[column] ?? NaN)}{' '}
        <button
          type="button"
          class="link"
          onClick={() => {
            open(column);
          }}
        >
          Open Trace Here
        </button>
        {words.length < tokens && (
          <span class="secondary">
            The first {formatCount(words.length)} of {formatCount(tokens)} tokens are shown.
          </span>
        )}
      </p>
    </>
  );
}

const StripTable = memo(function StripTable({ probe: { rows, words } }: { readonly probe: StripProbe }): VNode {
  return (
    <table role="presentation">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" class="strip-corner">
            checkpoint
          </th>
          {words.map((word, column) => (
            <th role="columnheader" key={column} class="mono strip-token" title={visibleWords(word)}>
              {visibleText(word)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(({ name, probability }, row) => (
          <tr role="row" key={name}>
            <th role="rowheader">{visibleText(name)}</th>
            {Array.from(probability, (value, column) => (
              <td
                role="gridcell"
                key={column}
                id={cellId(row, column)}
                data-cell={`${row} ${column}`}
                class={`cell tint${probabilityLevel(value)}`}
              >
                {Number.isFinite(value) ? Math.round(value * 100) : '–'}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
});

function cellId(row: number, column: number): string {
  return `strip-${row}-${column}`;
}

function cellUnder(target: EventTarget | null): { readonly row: number; readonly column: number } | undefined {
  const found = target instanceof Element ? target.closest('[data-cell]') : null;
  const [row, column] = (found?.getAttribute('data-cell') ?? '').split(' ').map(Number);
  return found === null || row === undefined || column === undefined ? undefined : { row, column };
}
