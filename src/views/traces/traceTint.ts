import {
  OverviewRulerLane,
  Range,
  ThemeColor,
  Uri,
  window,
  type DecorationOptions,
  type DecorationRenderOptions,
  type Disposable,
  type TextEditor,
  type TextEditorDecorationType,
} from 'vscode';
import { formatNumber } from '../../../core/format';
import { levelAt, sizeLevels, signedLevels, type Overlay } from '../../../core/traceOverlays';
import type { Fork } from './groups';
import { lineEndsOf } from './lineEnds';
import type { LineFigures } from '../../../core/traceScores';
import { lineEnd, placeAt, tokensOfLine, type Trace } from '../../../core/trace';

/** The names of an overlay that are told apart by colour and by underline. */
const nameColours = ['demo', 'rollout', 'wrong', 'right', 'heldOut', 'timeOther'] as const;
const nameLines = ['solid', 'dotted', 'dashed', 'double', 'wavy', 'solid'] as const;

/** Lines beyond the shown ones that are tinted too, so that scrolling shows no bare text. */
const marginLines = 40;
/** A line may hold a whole trace; a person cannot read more tokens at once. */
const mostTokens = 6000;

/** Tints the tokens of the lines that are shown. */
export class TraceTint implements Disposable {
  private readonly types = new Map<number, TextEditorDecorationType>();
  private readonly lineEnds = window.createTextEditorDecorationType({ isWholeLine: false });
  private readonly prompt = window.createTextEditorDecorationType({ opacity: '0.7' });
  private readonly legends: readonly TextEditorDecorationType[];
  /** Looks that an editor has somewhere. */
  private readonly used = new WeakMap<TextEditor, Set<TextEditorDecorationType>>();
  private readonly deciding: TextEditorDecorationType;
  private readonly parting: TextEditorDecorationType;

  /** `media`: the folder of the icons. */
  constructor(media: Uri) {
    this.deciding = window.createTextEditorDecorationType({
      gutterIconPath: Uri.joinPath(media, 'fork-decides.svg'),
      gutterIconSize: 'contain',
      border: '1px solid',
      borderColor: new ThemeColor('srft.wrong'),
      overviewRulerColor: new ThemeColor('srft.wrong'),
      overviewRulerLane: OverviewRulerLane.Left,
    });
    this.parting = window.createTextEditorDecorationType({
      gutterIconPath: Uri.joinPath(media, 'fork.svg'),
      gutterIconSize: 'contain',
    });
    for (let level = 1; level <= sizeLevels; level += 1) this.types.set(level, typeOf(sizeLook(level)));
    for (let level = 1; level <= signedLevels; level += 1) {
      this.types.set(signedBase + level, typeOf(signedLook(level, 'up')));
      this.types.set(signedBase - level, typeOf(signedLook(level, 'down')));
    }
    nameColours.forEach((colour, name) => {
      this.types.set(nameBase + name + 1, typeOf(nameLook(colour, nameLines[name] ?? 'solid')));
    });
    this.legends = Array.from({ length: mostLegends }, () => window.createTextEditorDecorationType({}));
  }

  /** Draw one overlay, or none, in an editor that shows `trace`, and the figures beside the text. */
  show(editor: TextEditor, trace: Trace, overlay: Overlay | undefined, figures: LineFigures): void {
    const lines = shownLines(editor, marginLines);
    this.showTokens(editor, trace, overlay, lines);
    this.set(editor, this.lineEnds, lineEndsOf(trace, figures, lines));
    const { line, column: end } = placeAt(trace, trace.responseStart);
    this.set(editor, this.prompt, trace.responseStart === 0 ? [] : [new Range(0, 0, line, end)]);
    this.legend(editor, trace, overlay);
  }

  /** Draw the tokens that are in view and nothing else, which is quicker by far. */
  showTokens(editor: TextEditor, trace: Trace, overlay: Overlay | undefined, lines = shownLines(editor, 0)): void {
    const ranges = new Map<number, Range[]>([...this.types.keys()].map((key) => [key, []]));
    let left = mostTokens;
    for (const line of overlay === undefined ? [] : lines) {
      const [from, to] = tokensOfLine(trace, line);
      for (let token = from; token < to && left > 0; token += 1) {
        const key = overlay === undefined ? 0 : keyOf(overlay, token);
        if (key === undefined) continue;
        ranges.get(key)?.push(rangeOf(trace, token));
        left -= 1;
      }
    }
    for (const [key, type] of this.types) this.set(editor, type, ranges.get(key) ?? []);
  }

  /** Mark where other answers of the group went on differently. */
  showForks(editor: TextEditor, trace: Trace, forks: readonly Fork[]): void {
    for (const [type, decides] of [
      [this.deciding, true],
      [this.parting, false],
    ] as const) {
      const tokens = forks.filter((fork) => fork.decides === decides).map(({ token }) => token);
      this.set(
        editor,
        type,
        tokens.map((token) => rangeOf(trace, token)),
      );
    }
  }

  dispose(): void {
    for (const type of [
      ...this.types.values(),
      ...this.legends,
      this.lineEnds,
      this.prompt,
      this.deciding,
      this.parting,
    ])
      type.dispose();
  }

  /** Each call is a message to the window, and of most looks an editor has none. */
  private set(editor: TextEditor, type: TextEditorDecorationType, ranges: Range[] | DecorationOptions[]): void {
    const used = this.used.get(editor) ?? new Set();
    if (ranges.length === 0 && !used.has(type)) return;
    this.used.set(editor, used);
    if (ranges.length === 0) used.delete(type);
    else used.add(type);
    editor.setDecorations(type, ranges);
  }

  /** The scale stands behind the last line of the prompt: beside the text, never in it. */
  private legend(editor: TextEditor, trace: Trace, overlay: Overlay | undefined): void {
    const line = legendLine(trace);
    const at = lineEnd(trace, line) - (trace.lineStarts[line] ?? 0);
    const entries = overlay === undefined ? [] : legendOf(overlay);
    this.legends.forEach((type, place) => {
      const entry = entries[place];
      if (entry === undefined) {
        this.set(editor, type, []);
        return;
      }
      const { text, look } = entry;
      const after = { ...look, contentText: text, margin: place === 0 ? '0 0.5ch 0 4ch' : '0', fontStyle: 'normal' };
      this.set(editor, type, [{ range: new Range(line, at, line, at), renderOptions: { after } }]);
    });
  }
}

const signedBase = 100;
const nameBase = 200;
const mostLegends = 10;

function keyOf(overlay: Overlay, token: number): number | undefined {
  const level = levelAt(overlay, token);
  if (level === 0) return undefined;
  switch (overlay.kind) {
    case 'size':
      return level;
    case 'signed':
      return signedBase + level;
    case 'name':
      return nameBase + Math.min(level, nameColours.length);
  }
}

function typeOf(look: DecorationRenderOptions): TextEditorDecorationType {
  return window.createTextEditorDecorationType(look);
}

/** Underlined from 1 nat, doubly from 1.3: nothing hangs on the colour alone. */
function sizeLook(level: number): DecorationRenderOptions {
  const underlines = ['', '', '', 'underline', 'underline double'];
  return {
    backgroundColor: new ThemeColor(`srft.tint${level}`),
    ...(level > 3 ? { color: new ThemeColor('srft.tintText') } : {}),
    ...(underlines[level - 1] === '' ? {} : { textDecoration: underlines[level - 1] }),
    ...(level === sizeLevels
      ? { overviewRulerColor: new ThemeColor('srft.tint5'), overviewRulerLane: OverviewRulerLane.Right }
      : {}),
  };
}

function signedLook(level: number, sign: 'up' | 'down'): DecorationRenderOptions {
  return {
    backgroundColor: new ThemeColor(`srft.${sign}${level}`),
    textDecoration: `underline ${sign === 'up' ? 'solid' : 'dotted'}`,
  };
}

function nameLook(colour: string, line: string): DecorationRenderOptions {
  return { backgroundColor: new ThemeColor(`srft.name.${colour}`), textDecoration: `underline ${line}` };
}

interface LegendEntry {
  readonly text: string;
  readonly look: {
    readonly backgroundColor?: ThemeColor;
    readonly color?: ThemeColor;
    readonly textDecoration?: string;
  };
}

function legendOf(overlay: Overlay): LegendEntry[] {
  const quiet = { color: new ThemeColor('descriptionForeground') };
  switch (overlay.kind) {
    case 'size':
      return [
        { text: `${overlay.label}, ${overlay.unit}  < ${overlay.limits[0] ?? 0}`, look: quiet },
        ...overlay.limits.map((limit, place) => ({
          text: ` ${limit}${place === overlay.limits.length - 1 ? ' +' : ''} `,
          look: partOf(sizeLook(place + 1)),
        })),
      ];
    case 'signed': {
      const unit = overlay.unit === '' ? '' : `, ${overlay.unit}`;
      return [
        { text: `${overlay.label}${unit}  `, look: quiet },
        ...[...overlay.limits].reverse().map((limit, place) => ({
          text: ` ${place === 0 ? '≤ ' : ''}−${limitWords(limit)} `,
          look: partOf(signedLook(signedLevels - place, 'down')),
        })),
        ...overlay.limits.map((limit, place) => ({
          text: ` ${place === overlay.limits.length - 1 ? '≥ ' : ''}+${limitWords(limit)} `,
          look: partOf(signedLook(place + 1, 'up')),
        })),
      ];
    }
    case 'name':
      return [
        { text: `${overlay.label}  `, look: quiet },
        ...overlay.names.slice(0, nameColours.length).map((name, place) => ({
          text: ` ${name} `,
          look: partOf(nameLook(nameColours[place] ?? 'demo', nameLines[place] ?? 'solid')),
        })),
      ];
  }
}

/** Scales stand beside the text, where there is little room. */
function limitWords(limit: number): string {
  return formatNumber(limit).replace(/(\.\d*[1-9])0+$/, '$1');
}

function partOf(look: DecorationRenderOptions): LegendEntry['look'] {
  const { backgroundColor, color, textDecoration } = look;
  return {
    ...(backgroundColor instanceof ThemeColor ? { backgroundColor } : {}),
    ...(color instanceof ThemeColor ? { color } : {}),
    ...(textDecoration === undefined ? {} : { textDecoration }),
  };
}

function legendLine(trace: Trace): number {
  const { line } = placeAt(trace, trace.responseStart);
  return Math.max(0, line - 1);
}

function shownLines(editor: TextEditor, margin: number): number[] {
  const lines = new Set<number>();
  for (const { start, end } of editor.visibleRanges) {
    const last = Math.min(editor.document.lineCount - 1, end.line + margin);
    for (let line = Math.max(0, start.line - margin); line <= last; line += 1) lines.add(line);
  }
  return [...lines];
}

function rangeOf(trace: Trace, token: number): Range {
  const from = placeAt(trace, trace.starts[token] ?? 0);
  const to = placeAt(trace, trace.starts[token + 1] ?? 0);
  return new Range(from.line, from.column, to.line, to.column);
}
