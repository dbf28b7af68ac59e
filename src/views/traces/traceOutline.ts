import {
  DocumentSymbol,
  FoldingRange,
  Range,
  SymbolKind,
  type DocumentSymbolProvider,
  type FoldingRangeProvider,
  type TextDocument,
} from 'vscode';
import { flattened, type Section } from '../../../core/traceSections';
import { placeAt, type Trace } from '../../../core/trace';
import type { TraceLibrary } from './traceLibrary';

const kinds: Readonly<Record<Section['kind'], SymbolKind>> = {
  prompt: SymbolKind.String,
  think: SymbolKind.Namespace,
  answer: SymbolKind.Namespace,
  step: SymbolKind.Field,
  boxed: SymbolKind.Constant,
};

/** Outline, breadcrumbs and folding: prompt, blocks of thought, steps. */
export class TraceOutline implements DocumentSymbolProvider, FoldingRangeProvider {
  constructor(private readonly traces: TraceLibrary) {}

  provideDocumentSymbols(document: TextDocument): DocumentSymbol[] {
    const open = this.traces.of(document);
    return open === undefined ? [] : open.sections.map((section) => symbolOf(open.trace, section));
  }

  provideFoldingRanges(document: TextDocument): FoldingRange[] {
    const open = this.traces.of(document);
    if (open === undefined) return [];
    return flattened(open.sections).flatMap(({ from, to }) => {
      const start = placeAt(open.trace, from).line;
      const end = placeAt(open.trace, Math.max(from, to - 1)).line;
      return end > start ? [new FoldingRange(start, end)] : [];
    });
  }
}

function symbolOf(trace: Trace, section: Section): DocumentSymbol {
  const from = placeAt(trace, section.from);
  const to = placeAt(trace, section.to);
  const range = new Range(from.line, from.column, to.line, to.column);
  const symbol = new DocumentSymbol(section.name, '', kinds[section.kind], range, range);
  symbol.children = section.children.map((child) => symbolOf(trace, child));
  return symbol;
}
