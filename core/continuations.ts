import { recordOfTokens, type RecordToken, type RerollState } from './rerolls';
import type { RolloutColumns } from './rolloutColumns';

/** A token as it was drawn, before anybody knows what it spells. */
export interface DrawnToken extends Omit<RecordToken, 'bytes'> {
  readonly row: number;
}

/** N tokens and what they spell: all bytes, one token after the other, and how many each has. */
export interface Spelling {
  readonly ids: Int32Array;
  readonly bytes: Uint8Array;
  readonly lengths: Int32Array;
}

/** Where rows end. */
export interface RowEnds {
  readonly endTokens: readonly number[];
  /** Of what is drawn. */
  readonly maxTokens: number;
}

interface Row {
  readonly drawn: DrawnToken[];
  state: RerollState;
}

/** Continuations of one beginning that are written side by side. */
export class Continuations {
  private readonly rows: readonly Row[];
  private readonly spelled = new Map<number, Uint8Array>();

  /** @param before all tokens of the response that the rows have in common; they are written already */
  constructor(
    private readonly before: readonly RecordToken[],
    rows: number,
    private readonly ends: RowEnds,
  ) {
    const isOver = ends.endTokens.includes(before.at(-1)?.id ?? -1);
    this.rows = Array.from({ length: rows }, (): Row => ({ drawn: [], state: isOver ? 'ended' : 'writing' }));
  }

  /** Put drawn tokens behind their rows; what comes behind an end is no part of a row. */
  add(tokens: readonly DrawnToken[]): void {
    const { endTokens, maxTokens } = this.ends;
    for (const token of tokens) {
      const row = this.rows[token.row];
      if (row?.state !== 'writing') continue;
      row.drawn.push(token);
      if (endTokens.includes(token.id)) row.state = 'ended';
      else if (row.drawn.length >= maxTokens) row.state = 'limit';
    }
  }

  /** Tokens that were drawn and whose spelling is not known, each once. */
  unspelled(): Int32Array {
    const ids = new Set(this.rows.flatMap(({ drawn }) => drawn.map(({ id }) => id)));
    return Int32Array.from([...ids].filter((id) => !this.spelled.has(id)));
  }

  /** What tokens spell. */
  learn({ ids, bytes, lengths }: Spelling): void {
    let at = 0;
    ids.forEach((id, place) => {
      const end = at + (lengths[place] ?? 0);
      this.spelled.set(id, bytes.slice(at, end));
      at = end;
    });
  }

  /** Nothing more comes: rows that have not ended are cut off here, and so are those that cannot be read to their end. */
  finish(): void {
    for (const row of this.rows) {
      const known = row.drawn.findIndex(({ id }) => !this.spelled.has(id));
      if (known !== -1) row.drawn.length = known;
      if (known !== -1 || row.state === 'writing') row.state = 'cut off';
    }
  }

  /** How far a row came, told by what of it is spelled: its end is its end once that can be read. */
  stateOf(row: number): RerollState {
    const { drawn = [], state = 'cut off' } = this.rows[row] ?? {};
    return drawn.every(({ id }) => this.spelled.has(id)) ? state : 'writing';
  }

  /** A row as far as it is spelled. */
  recordOf(row: number): RolloutColumns {
    const tokens = [...this.before];
    for (const { id, logProb, entropy } of this.rows[row]?.drawn ?? []) {
      const bytes = this.spelled.get(id);
      if (bytes === undefined) break;
      tokens.push({ id, logProb, entropy, bytes });
    }
    return recordOfTokens(tokens);
  }
}
