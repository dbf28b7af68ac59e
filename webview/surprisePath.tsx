import type { VNode } from 'preact';
import { formatCount, formatNumber, formatShare } from '../core/format';
import type { PathMessage } from '../core/generated/checkpoints';
import { pathPicture, tickText } from './checkpointPictures';
import { post } from './checkpointsHost';
import { choice, choose, path } from './checkpointsState';
import { visibleText, visibleWords } from './visibleText';
import { WorkState } from './workState';

const width = 560;
const height = 320;
const frame = { left: 58, top: 14, width: width - 90, height: height - 58 };

/** Where each checkpoint stands between reference texts, by how unlikely it finds them. */
export function SurprisePath({ most }: { readonly most: number }): VNode {
  const message = path.value;
  const isUnderWay = message?.state === 'scoring';
  return (
    <figure class="path" data-figure="path">
      <figcaption class="section-head">
        <h2>Path of the run</h2>
        <button
          type="button"
          class="link"
          disabled={isUnderWay}
          onClick={() => {
            post({ kind: 'measurePath' });
          }}
        >
          {message === null ? 'Measure Path' : 'Measure Again'}
        </button>
        {message !== null && <WorkState {...message} unit="scores" work="path" />}
        <p class="secondary caption">
          Each checkpoint by its mean −log p, in nats a token, of reference texts: fewer nats are nearer to them. At
          most {formatCount(most)} texts a set; every checkpoint of the run is loaded, one after the other. After Fig. 3
          of arXiv 2506.19767, whose measure is not printed there.
        </p>
      </figcaption>
      {message !== null && message.sets.length >= 2 && <PathBody message={message} />}
    </figure>
  );
}

function PathBody({ message }: { readonly message: PathMessage }): VNode {
  const { sets, points } = message;
  const last = sets.length - 1;
  const across = Math.min(choice.value.across, last);
  const upwards = Math.min(choice.value.upwards, last);
  return (
    <div class="path-body">
      <div>
        <div class="path-axes">
          <AxisChoice
            label="Across"
            value={across}
            sets={sets}
            onChange={(set) => {
              choose({ across: set });
            }}
          />
          <AxisChoice
            label="Upwards"
            value={upwards}
            sets={sets}
            onChange={(set) => {
              choose({ upwards: set });
            }}
          />
        </div>
        <PathDrawing message={message} across={across} upwards={upwards} />
      </div>
      <table>
        <caption>Mean −log p, nats a token</caption>
        <thead>
          <tr>
            <th scope="col">checkpoint</th>
            {sets.map(({ label, sequences, tokens }) => (
              <th scope="col" key={label}>
                {visibleText(label)}
                <br />
                <span class="secondary">
                  {formatCount(sequences)} texts, {formatCount(tokens)} tokens
                </span>
              </th>
            ))}
            <th scope="col">held-out accuracy</th>
          </tr>
        </thead>
        <tbody>
          {points.map(({ name, accuracy, surprise }) => (
            <tr key={name}>
              <th scope="row">{visibleText(name)}</th>
              {surprise.map((value, set) => (
                <td class="number" key={set}>
                  {formatNumber(value)}
                </td>
              ))}
              <td class="number">{formatNumber(accuracy)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function AxisChoice(props: {
  readonly label: string;
  readonly value: number;
  readonly sets: PathMessage['sets'];
  readonly onChange: (set: number) => void;
}): VNode {
  const { label, value, sets, onChange } = props;
  return (
    <label class="choice">
      <span class="secondary">{label}</span>
      <select
        aria-label={label}
        value={`${value}`}
        onChange={({ currentTarget }) => {
          onChange(Number(currentTarget.value));
        }}
      >
        {sets.map((set, place) => (
          <option value={`${place}`} key={set.label}>
            {visibleWords(set.label)}
          </option>
        ))}
      </select>
    </label>
  );
}

function PathDrawing(props: {
  readonly message: PathMessage;
  readonly across: number;
  readonly upwards: number;
}): VNode {
  const { message, across, upwards } = props;
  const { points, across: below, upwards: beside } = pathPicture(message.points, { across, upwards }, frame);
  const foot = frame.top + frame.height;
  const end = points.at(-1);
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={`Path through ${points.length} checkpoints; their numbers are in the table beside it.`}
    >
      {below.map(({ value, left }) => (
        <g key={value}>
          <line class="grid" x1={left} x2={left} y1={frame.top} y2={foot} />
          <text x={left} y={foot + 15} text-anchor="middle">
            {tickText(value, below)}
          </text>
        </g>
      ))}
      {beside.map(({ value, top }) => (
        <g key={value}>
          <line class="grid" x1={frame.left} x2={frame.left + frame.width} y1={top} y2={top} />
          <text x={frame.left - 5} y={top + 4} text-anchor="end">
            {tickText(value, beside)}
          </text>
        </g>
      ))}
      <text class="axis" x={frame.left + frame.width} y={height - 8} text-anchor="end">
        {visibleWords(message.sets[across]?.label ?? '')} →
      </text>
      <text class="axis" x={4} y={10}>
        ↑ {visibleWords(message.sets[upwards]?.label ?? '')}
      </text>
      <polyline class="path-line" points={points.map(({ left, top }) => `${left},${top}`).join(' ')} />
      {points.map(({ name, left, top }, place) => (
        <g key={name}>
          <circle class={place === 0 ? 'path-point first' : 'path-point'} cx={left} cy={top} r="4.5" />
          <text class="path-name" {...nameAt(left, top, place === 0)}>
            {visibleWords(name)}
            {accuracyWords(message, name, place === 0 || place === points.length - 1)}
          </text>
        </g>
      ))}
      {end !== undefined && points.length > 1 && <circle class="path-end" cx={end.left} cy={end.top} r="8" />}
    </svg>
  );
}

/** The ends of a path are known by how well they do. */
function accuracyWords({ points }: PathMessage, name: string, isEnd: boolean): string {
  const accuracy = points.find((point) => point.name === name)?.accuracy ?? null;
  return isEnd && accuracy !== null ? ` · ${formatShare(accuracy)} right` : '';
}

/** Beside a point, to whichever side has room; that of the first stands below, where the path does not begin. */
function nameAt(
  left: number,
  top: number,
  isFirst: boolean,
): { readonly x: number; readonly y: number; readonly 'text-anchor': 'start' | 'end' } {
  const isRight = left > frame.left + frame.width * 0.7;
  return {
    x: isRight ? left - 9 : left + 9,
    y: isFirst ? top + 16 : top - 7,
    'text-anchor': isRight ? 'end' : 'start',
  };
}
