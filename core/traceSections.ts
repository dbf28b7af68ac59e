import { visibleWords } from './visibleWords';

/** A part of a trace that has a name: it can be folded and stands in the outline. Offsets count UTF-16 units. */
export interface Section {
  readonly kind: 'prompt' | 'think' | 'answer' | 'step' | 'boxed';
  readonly name: string;
  readonly from: number;
  /** Behind its last character. */
  readonly to: number;
  readonly children: readonly Section[];
}

/**
 * The parts of a trace: the prompt, blocks between tags (think, answer and their like), and in them the numbered steps
 * and boxed answers. A block that was never closed goes to the end of the text.
 */
export function sectionsOf(text: string, responseStart: number): Section[] {
  const prompt: Section[] =
    responseStart === 0 ? [] : [{ kind: 'prompt', name: 'prompt', from: 0, to: responseStart, children: [] }];
  const blocks = blocksOf(text, responseStart);
  const sections = [...prompt];
  let at = responseStart;
  for (const block of blocks) {
    sections.push(...stepsOf(text, at, block.from));
    sections.push({ ...block, children: stepsOf(text, block.from, block.to) });
    at = block.to;
  }
  return [...sections, ...stepsOf(text, at, text.length)];
}

/** All sections, each before its children. */
export function flattened(sections: readonly Section[]): Section[] {
  return sections.flatMap((section) => [section, ...flattened(section.children)]);
}

const openingTag = /<(think|thinking|reasoning|thought|answer|solution)>/gi;
const thoughts = new Set(['think', 'thinking', 'reasoning', 'thought']);

/** Blocks do not nest. A tag that the end of the prompt opened counts. */
function blocksOf(text: string, responseStart: number): Omit<Section, 'children'>[] {
  const blocks: Omit<Section, 'children'>[] = [];
  openingTag.lastIndex = openedByPrompt(text, responseStart) ?? responseStart;
  for (let opening = openingTag.exec(text); opening !== null; opening = openingTag.exec(text)) {
    const tag = (opening[1] ?? '').toLowerCase();
    const closing = `</${tag}>`;
    const found = text.toLowerCase().indexOf(closing, openingTag.lastIndex);
    const to = found === -1 ? text.length : found + closing.length;
    const name = found === -1 ? `${tag} (not closed)` : tag;
    blocks.push({
      kind: thoughts.has(tag) ? 'think' : 'answer',
      name,
      from: Math.max(opening.index, responseStart),
      to,
    });
    openingTag.lastIndex = to;
  }
  return blocks.filter(({ from, to }) => to > from);
}

const farthestTag = 200;

function openedByPrompt(text: string, responseStart: number): number | undefined {
  const last = [...text.slice(0, responseStart).matchAll(openingTag)].at(-1);
  if (last === undefined || responseStart - last.index > farthestTag) return undefined;
  const between = text.slice(last.index + last[0].length, responseStart);
  return between.trim() === '' ? last.index : undefined;
}

/** `Step 3:`, `3.`, `3)`, `## Heading`, at the beginning of a line. */
const stepStart = /^[ \t]*(?:\*\*)?(?:step\s+\d+\b|\d{1,3}[.)](?=\s)|#{1,6}\s)/i;
const boxed = /\\boxed\s*\{/g;
const longestName = 60;

function stepsOf(text: string, from: number, to: number): Section[] {
  const starts: number[] = [];
  for (let line = from; line < to; line = nextLine(text, line)) {
    if (stepStart.test(text.slice(line, Math.min(to, line + longestName)))) starts.push(line);
  }
  const steps = starts.map((start, place): Section => {
    const end = starts[place + 1] ?? to;
    return { kind: 'step', name: nameAt(text, start, end), from: start, to: end, children: boxesOf(text, start, end) };
  });
  return [...boxesOf(text, from, starts[0] ?? to), ...steps];
}

function boxesOf(text: string, from: number, to: number): Section[] {
  const boxes: Section[] = [];
  boxed.lastIndex = from;
  for (let found = boxed.exec(text); found !== null && found.index < to; found = boxed.exec(text)) {
    const end = Math.min(to, closingBrace(text, boxed.lastIndex, to));
    boxes.push({ kind: 'boxed', name: nameAt(text, found.index, end), from: found.index, to: end, children: [] });
  }
  return boxes;
}

/** Behind the brace that closes the one before `from`; the end of the line when none does. */
function closingBrace(text: string, from: number, to: number): number {
  let depth = 1;
  for (let at = from; at < to; at += 1) {
    const character = text[at];
    if (character === '\n') return at;
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return to;
}

function nextLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end + 1;
}

function nameAt(text: string, from: number, to: number): string {
  const line = text.slice(from, Math.min(to, from + 4 * longestName)).split(/[\r\n]/, 1)[0] ?? '';
  const words = visibleWords(line.trim());
  return words.length > longestName ? `${words.slice(0, longestName - 1)}…` : words;
}
