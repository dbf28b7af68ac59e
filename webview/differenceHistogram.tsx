import type { VNode } from 'preact';
import { binEdges, muchAbove, type DifferenceCounts } from '../core/checkpointDifference';
import { formatCount } from '../core/format';
import { histogramOf, signedText } from './checkpointPictures';

const width = 420;
const height = 170;
const frame = { left: 40, top: 8, width: width - 50, height: height - 36 };

/** How many tokens moved how far. */
export function DifferenceHistogram({ counts }: { readonly counts: DifferenceCounts }): VNode {
  const { bars, ticks } = histogramOf(counts, frame);
  const foot = frame.top + frame.height;
  return (
    <figure class="histogram" data-figure="histogram">
      <figcaption>
        <h2>How far tokens moved</h2>
        <p data-tokens={counts.tokens}>{summary(counts)}</p>
        <p class="secondary">Fig. 2b of arXiv 2506.19767; upwards by the logarithm</p>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`Histogram. ${summary(counts)}`}>
        {ticks.map(({ tokens, top }) => (
          <g key={tokens}>
            <line class="grid" x1={frame.left} x2={frame.left + frame.width} y1={top} y2={top} />
            <text x={frame.left - 5} y={top + 4} text-anchor="end">
              {formatCount(tokens)}
            </text>
          </g>
        ))}
        {bars.map(({ left, top, width: wide, height: high, from, side }) => (
          <rect class={`bar ${side}`} key={from} x={left + 0.5} y={top} width={Math.max(1, wide - 1)} height={high} />
        ))}
        <line class="foot" x1={frame.left} x2={frame.left + frame.width} y1={foot} y2={foot} />
        {[-1, -0.5, 0, 0.5, 1].map((d) => (
          <text key={d} x={frame.left + ((d + 1) / 2) * frame.width} y={foot + 14} text-anchor="middle">
            {d < 0 ? `−${-d}` : d}
          </text>
        ))}
        <text class="axis" x={frame.left + frame.width / 2} y={foot + 26} text-anchor="middle">
          p after − p before
        </text>
      </svg>
      <details class="numbers">
        <summary>Numbers of the histogram</summary>
        <div class="numbers-room" tabIndex={0} role="group" aria-label="Tokens by change of probability">
          <table>
            <caption>Tokens by change of probability</caption>
            <thead>
              <tr>
                <th scope="col">from</th>
                <th scope="col">to</th>
                <th scope="col">tokens</th>
              </tr>
            </thead>
            <tbody>
              {counts.bins.map((tokens, bin) => (
                <tr key={bin}>
                  <th scope="row">{signedText(binEdges(bin)[0])}</th>
                  <td class="number">{signedText(binEdges(bin)[1])}</td>
                  <td class="number" data-bin={bin}>
                    {formatCount(tokens)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function summary({ tokens, much, size, sum }: DifferenceCounts): string {
  if (tokens === 0) return 'No token has been scored under both yet.';
  const share = ((100 * much) / tokens).toFixed(1);
  return `${formatCount(tokens)} tokens: ${share} % moved by more than ${muchAbove}; mean |d| ${(size / tokens).toFixed(3)}, mean d ${signedText(sum / tokens)}.`;
}
