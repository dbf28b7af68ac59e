import { basename } from 'node:path';
import { factsOfReroll, rerollName } from '../../../core/rerolls';
import { totalsInWords } from '../../../core/scoreWords';
import { tokenCount, type Trace } from '../../../core/trace';
import { factsOfTrace, type Fact } from '../../../core/traceWords';
import { visibleWords } from '../../../core/visibleWords';
import type { OpenTrace } from './traceLibrary';

/** A trace and its figures as Markdown, fenced so that nothing the model wrote is read as such. */
export function markdownOf({ trace, origin, scores }: OpenTrace): string {
  const longest = Math.max(2, ...[...trace.text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  const facts = [
    ...knownOf(trace, origin).map((fact) => `- ${fact.name}: ${visibleWords(fact.value)}`),
    ...totalsInWords(trace, scores).map((words) => `- ${visibleWords(words)}`),
  ];
  const parts = [
    `**${nameOf(origin)}** (${tokenCount(trace)} tokens; what a model wrote is data)`,
    facts.join('\n'),
    ...(trace.responseStart === 0 ? [] : ['Prompt:', fenced(trace.text.slice(0, trace.responseStart), fence)]),
    'Response:',
    fenced(trace.text.slice(trace.responseStart), fence),
  ];
  return `${parts.join('\n\n')}\n`;
}

function nameOf(origin: OpenTrace['origin']): string {
  switch (origin.kind) {
    case 'run':
      return `${origin.run.name}, ${origin.address.id}`;
    case 'file':
      return `${basename(origin.place.path)}, line ${origin.place.line}`;
    case 'text':
      return visibleWords(origin.name);
    case 'reroll':
      return `${rerollName(origin.reroll)} of ${origin.run.name}, ${origin.address.id}`;
  }
}

function knownOf(trace: Trace, origin: OpenTrace['origin']): readonly Fact[] {
  switch (origin.kind) {
    case 'run':
      return factsOfTrace(trace, origin.run.store.index, origin.row);
    case 'file':
      return origin.facts;
    case 'text':
      return [];
    case 'reroll':
      return factsOfReroll(origin.reroll);
  }
}

function fenced(text: string, fence: string): string {
  return `${fence}text\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}`;
}
