import { linesOf, rowParts, type Columns } from './demonstrations';

/** A demonstration as `srft verify` is asked about it. */
export interface VerifyRequest {
  readonly line: string;
  readonly request: string;
}

/** The requests for all demonstrations of a file; the number of one is its id. */
export function verifyRequests(text: string, columns: Columns): readonly VerifyRequest[] {
  const requests: VerifyRequest[] = [];
  for (const { text: line } of linesOf(text)) {
    const row = line.trim() === '' ? undefined : rowParts(line, columns);
    if (row === undefined || row.demonstration === null) continue;
    const request = {
      id: requests.length,
      response: row.demonstration,
      prompt: row.messages.at(-1)?.content ?? '',
      // Without one the judge would look for a problem of this id.
      answer: row.answer ?? '',
      row: row.columns,
    };
    requests.push({ line, request: JSON.stringify(request) });
  }
  return requests;
}

/** What the judge said of one. */
export interface Verdict {
  /** The request's place in the list; undefined when the reply is none. */
  readonly number: number | undefined;
  /** Why the demonstration does not count; null when it is right. */
  readonly fault: string | null;
}

/** What the judge says in a line. Undefined when it is no reply, such as what somebody's reward prints. */
export function replyIn(line: string): Readonly<Record<string, unknown>> | undefined {
  let reply: unknown;
  try {
    reply = JSON.parse(line);
  } catch {
    // Not the judge's words.
    return undefined;
  }
  return typeof reply === 'object' && reply !== null ? (reply as Record<string, unknown>) : undefined;
}

/** The verdict on a demonstration in a line of the judge's; undefined when there is none. */
export function verdictIn(line: string): Verdict | undefined {
  const reply = replyIn(line);
  if (reply === undefined) return undefined;
  const { id, correct, reward, note, error, line: lineNumber } = reply;
  if (typeof error === 'string') {
    return {
      number: typeof lineNumber === 'number' ? lineNumber - 1 : undefined,
      fault: `The demonstration could not be judged: ${error}.`,
    };
  }
  if (typeof id !== 'number' || typeof correct !== 'boolean') return undefined;
  if (correct) return { number: id, fault: null };
  const score = typeof reward === 'number' ? `reward ${reward}` : 'no reward';
  const why = typeof note === 'string' ? `, ${note}` : '';
  return { number: id, fault: `The recipe's own judge does not count this demonstration as right (${score}${why}).` };
}
