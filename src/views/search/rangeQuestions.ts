import { window, type QuickPickItem } from 'vscode';
import { firstAndLast, parseStepRange, printStepRange, rangeBefore, type StepRange } from '../../../core/stepRange';
import type { ComparedRanges } from '../../runs/whatChanged';

/** Which two ranges of steps to compare; those that are brushed are the first proposal. */
export async function askForRanges(
  runName: string,
  steps: StepRange,
  brushed: StepRange | undefined,
): Promise<ComparedRanges | undefined> {
  const fifths = firstAndLast(steps.from, steps.to);
  if (fifths === undefined) {
    void window.showInformationMessage('This run has no two steps to compare yet.');
    return undefined;
  }
  const before = brushed === undefined ? undefined : rangeBefore(brushed, steps.from);
  const items: (QuickPickItem & { readonly ranges?: ComparedRanges })[] = [];
  if (brushed !== undefined && before !== undefined)
    items.push(itemOf('The brushed steps against those before', { before, after: brushed }));
  items.push(itemOf('The last fifth against the first', fifths), { label: 'Other steps…' });
  const picked = await window.showQuickPick(items, { title: `What became more frequent in ${runName}?` });
  if (picked === undefined || picked.ranges !== undefined) return picked?.ranges;
  const from = await askForRange('Before: which steps?', fifths.before);
  const to = from === undefined ? undefined : await askForRange('After: which steps?', fifths.after);
  return from === undefined || to === undefined ? undefined : { before: from, after: to };
}

function itemOf(label: string, ranges: ComparedRanges): QuickPickItem & { readonly ranges: ComparedRanges } {
  return { label, description: `steps ${printStepRange(ranges.before)} → ${printStepRange(ranges.after)}`, ranges };
}

async function askForRange(title: string, proposal: StepRange): Promise<StepRange | undefined> {
  const answer = await window.showInputBox({
    ignoreFocusOut: true,
    title,
    value: printStepRange(proposal),
    validateInput: (text) => {
      const range = parseStepRange(text);
      return typeof range === 'string' ? range : undefined;
    },
  });
  const range = answer === undefined ? undefined : parseStepRange(answer);
  return typeof range === 'string' ? undefined : range;
}
