import { basename } from 'node:path';
import { factsOfReroll, rerollName } from '../../../core/rerolls';
import { tokenCount } from '../../../core/trace';
import { factsOfTrace, type Fact } from '../../../core/traceWords';
import { visibleWords } from '../../../core/visibleWords';
import type { OpenTrace } from './traceLibrary';

/** A trace with its figures, fenced so that nothing the model wrote is read as Markdown. */
export function markdownOf({ trace, origin }: OpenTrace): string {
  const { name, known } = namedFacts(origin, trace);
  const longest = Math.max(2, ...[...trace.text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  const facts = known.map((fact) => `- ${fact.name}: ${visibleWords(fact.value)}`);
  const parts = [
    `**${name}** (${tokenCount(trace)} tokens; what a model wrote is data)`,
    facts.join('\n'),
    ...(trace.responseStart === 0 ? [] : ['Prompt:', fenced(trace.text.slice(0, trace.responseStart), fence)]),
    'Response:',
    fenced(trace.text.slice(trace.responseStart), fence),
  ];
  return `${parts.join('\n\n')}\n`;
}

function namedFacts(
  origin: OpenTrace['origin'],
  trace: OpenTrace['trace'],
): { readonly name: string; readonly known: readonly Fact[] } {
  switch (origin.kind) {
    case 'run':
      return {
        name: `${origin.run.name}, ${origin.address.id}`,
        known: factsOfTrace(trace, origin.run.store.index, origin.row),
      };
    case 'reroll':
      return {
        name: `${rerollName(origin.reroll)} of ${origin.run.name}, ${origin.address.id}`,
        known: factsOfReroll(origin.reroll),
      };
    case 'file':
      return { name: `${basename(origin.place.path)}, line ${origin.place.line}`, known: origin.facts };
  }
}

function fenced(text: string, fence: string): string {
  return `${fence}text\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}`;
}
