import { Range, ThemeColor, type DecorationOptions } from 'vscode';
import { lineEnd, placeAt, tokensOfLine, type Trace } from '../../../core/trace';
import { summed } from '../../../core/traceOverlays';
import type { LineFigures } from '../../../core/traceScores';
import { visibleWords } from '../../../core/visibleWords';

/** Mean entropy and summed log-prob of the tokens that begin in a line, behind its text. */
export function lineEndsOf(
  trace: Trace,
  { name, entropy, logProb }: LineFigures,
  lines: readonly number[],
): DecorationOptions[] {
  if (entropy === undefined && logProb === undefined) return [];
  const first = placeAt(trace, trace.responseStart).line;
  const widthOf = (line: number): number => lineEnd(trace, line) - (trace.lineStarts[line] ?? 0);
  const figuresColumn = Math.min(farthestColumn, Math.max(0, ...lines.map(widthOf)) + 4);
  return lines.flatMap((line) => {
    const [from, to] = tokensOfLine(trace, line);
    if (to <= from) return [];
    const mean = entropy === undefined ? NaN : summed(entropy, from, to).mean;
    const sum = logProb === undefined ? NaN : summed(logProb, from, to).sum;
    const end = widthOf(line);
    const whose = line === first && name !== '' ? `${visibleWords(name)}  ` : '';
    const words =
      line === first
        ? `${whose}mean H ${shown(mean)}  Σ log p ${shown(sum).padStart(7)}`
        : `       ${shown(mean)}          ${shown(sum).padStart(7)}`;
    const after = {
      contentText: words.replaceAll(' ', '\u00a0'),
      color: new ThemeColor('descriptionForeground'),
      margin: `0 0 0 ${Math.max(4, figuresColumn - end - whose.length)}ch`,
    };
    return [{ range: new Range(line, end, line, end), renderOptions: { after } }];
  });
}

/** Figures stand in one column, behind the longest line that is shown, and never farther out than a wrapped line ends. */
const farthestColumn = 84;

function shown(value: number): string {
  if (!Number.isFinite(value)) return '–'.padStart(6);
  const size = Math.abs(value).toFixed(2);
  return `${value < 0 && Number(size) !== 0 ? '−' : ''}${size}`.padStart(6);
}
