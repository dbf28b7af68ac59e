import { isId } from './bytePairModel';
import { isFields, notUnderstood, partsOf, unknownKind, type Fields } from './tokenizerFile';

/** Ids put before and after a whole text. */
export interface TokensAround {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const key = 'post_processor';

/** What a `post_processor` puts around a text. Throws `CheckpointProblem` for a kind that is not understood. */
export function aroundOf(part: unknown): TokensAround {
  let around: TokensAround = { before: [], after: [] };
  for (const step of partsOf(part, 'processors', key)) {
    if (!isFields(step)) throw unknownKind(step, 'the post-processor', key);
    if (step['type'] === 'ByteLevel') continue; // It changes offsets alone.
    if (step['type'] !== 'TemplateProcessing') throw unknownKind(step, 'the post-processor', key);
    const { before, after } = templateAround(step);
    around = { before: [...before, ...around.before], after: [...around.after, ...after] };
  }
  return around;
}

function templateAround(part: Fields): TokensAround {
  const single: unknown = part['single'];
  const before: number[] = [];
  const after: number[] = [];
  let filling = before;
  for (const item of Array.isArray(single) ? single.filter(isFields) : []) {
    if ('Sequence' in item) filling = after;
    else filling.push(...idsOf(part, item['SpecialToken']));
  }
  if (filling === before) throw notUnderstood('its template has no place for the text', `${key}.single`);
  return { before, after };
}

function idsOf(part: Fields, token: unknown): number[] {
  const tokens: unknown = part['special_tokens'];
  const name: unknown = isFields(token) ? token['id'] : undefined;
  const entry: unknown = isFields(tokens) && typeof name === 'string' ? tokens[name] : undefined;
  const ids: unknown = isFields(entry) ? entry['ids'] : undefined;
  if (Array.isArray(ids) && ids.every(isId)) return ids;
  throw notUnderstood('its template names a special token that it does not have', `${key}.special_tokens`);
}
