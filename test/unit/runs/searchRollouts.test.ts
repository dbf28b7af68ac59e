import assert from 'node:assert/strict';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { rolloutText } from '../../../core/rolloutColumns';
import { isCurrent } from '../../../core/rolloutIndex';
import { namesOf } from '../../../core/rolloutMatch';
import { parseQuery, printQuery, type QueryTerm } from '../../../core/rolloutQuery';
import type { Attempt } from '../../../core/runModel';
import { decodeUtf8 } from '../../../core/utf8';
import { RunStore } from '../../../src/runs/runStore';
import {
  searchRollouts,
  type RolloutHit,
  type SearchedRun,
  type SearchOptions,
  type SearchSummary,
} from '../../../src/runs/searchRollouts';
import { inFolder } from '../support/folder';
import { textRow, writeSearchedRun, type SearchedRow } from '../support/searchedRun';

type Found = Pick<RolloutHit, 'row' | 'from' | 'to' | 'count'>;

describe('a search over rollouts', () => {
  it('finds what a plain look at every text finds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitraryRow, { maxLength: 8 }),
        fc.array(arbitraryTerm, { maxLength: 3 }),
        (rows, terms) =>
          inFolder(async (folder) => {
            const run = await writeSearchedRun(folder, rows);
            const { hits } = await search(run, printQuery({ terms }));
            assert.deepEqual(hits.map(placeOf), grep(rows, terms));
            for (const { row, snippet, from, to } of hits) {
              const text = decodeUtf8(rows[row]?.bytes ?? new Uint8Array(0));
              if (terms.some(isSought)) assert.equal(snippet.match, text.slice(from, to));
            }
          }),
      ),
      { numRuns: 150 },
    );
  });

  it('finds in a recorded run what is in its traces', async () => {
    const opened = await RunStore.open('test/fixtures/runs/rich');
    assert.ok(opened.kind === 'read');
    const store = opened.value;
    for (const word of ['answer 1', '<', 'E']) {
      const expected: number[] = [];
      for (let row = 0; row < store.index.length; row += 1) {
        if (!isCurrent(store.index, row, store.model.attempts)) continue;
        const record = await store.readRollout(row);
        if (record.kind === 'read' && rolloutText(record.value).includes(word)) expected.push(row);
      }
      const { hits } = await search(store, `"${word}"`);
      assert.deepEqual(
        hits.map(({ row }) => row),
        expected,
      );
      assert.equal(expected.length > 0, word !== 'E');
    }
    await store.close();
  });

  it('goes by figures before it reads a text, and by figures alone where there is no text', async () => {
    await inFolder(async (folder) => {
      const rows = [0, 1, 2, 3].map((row) =>
        textRow('wait', { line: { reward: row % 2, step: row, head: `head ${row}` } }),
      );
      const run = await writeSearchedRun(folder, rows);
      const withText = await search(run, 'wait reward<0.5');
      assert.deepEqual(
        withText.hits.map(({ row }) => row),
        [0, 2],
      );
      assert.deepEqual(withText.summary, { searched: 2, candidates: 2, troubles: [] });
      await rm(join(folder, 'rollouts'), { recursive: true });
      const { hits, summary } = await search(run, 'step:1-2');
      assert.deepEqual(
        hits.map(({ id, step, reward, snippet, from, to, count }) => ({ id, step, reward, snippet, from, to, count })),
        [
          {
            id: 'r1',
            step: 1,
            reward: 1,
            snippet: { before: '', match: '', after: 'head 1' },
            from: 0,
            to: 0,
            count: 0,
          },
          {
            id: 'r2',
            step: 2,
            reward: 0,
            snippet: { before: '', match: '', after: 'head 2' },
            from: 0,
            to: 0,
            count: 0,
          },
        ],
      );
      assert.deepEqual(summary.troubles, []);
    });
  });

  it('leaves out rows that a resumed attempt dropped', async () => {
    await inFolder(async (folder) => {
      const row = (attempt: number, step: number): SearchedRow => textRow('wait', { line: { attempt, step } });
      const run = await writeSearchedRun(folder, [row(1, 1), row(1, 2), row(2, 2)], [attempt(1, null), attempt(2, 1)]);
      assert.deepEqual(
        (await search(run, 'wait')).hits.map(({ row: found }) => found),
        [0, 2],
      );
    });
  });

  it('says what it could not search, and searches the rest', async () => {
    await inFolder(async (folder) => {
      const segments = [1, 1, 2, 3, 3, 4, 5];
      const rows = segments.map((segment) => textRow('wait for it', { segment }));
      const run = await writeSearchedRun(folder, [...rows, textRow('wait', { isKept: false })]);
      const path = (segment: number): string => join(folder, 'rollouts', `00000${segment}.seg`);
      await rm(path(2));
      const { offset = 0 } = { offset: run.index.address.offset.values[4] };
      await truncate(path(3), offset + 8);
      await writeFile(path(4), 'no segment');
      const { hits, summary } = await search(run, 'wait');
      assert.deepEqual(
        hits.map(({ row }) => row),
        [0, 1, 3, 6],
      );
      assert.deepEqual(summary.troubles, [
        'segment 000002.seg: it is gone; 1 rollout not searched',
        'segment 000003.seg: it ends early; 1 rollout not searched',
        'segment 000004.seg: the segment ends within the record at 0; 1 rollout not searched',
        '1 rollout not searched: their tokens were not kept',
      ]);
    });
  });

  it('says that a record is none, whatever its bytes claim', async () => {
    await inFolder(async (folder) => {
      const run = await writeSearchedRun(folder, [textRow('wait'), textRow('wait'), textRow('wait')]);
      run.index.address.offset.values[1] = (run.index.address.offset.values[1] ?? 0) + 8;
      const { hits, summary } = await search(run, 'wait');
      assert.deepEqual(
        hits.map(({ row }) => row),
        [0, 2],
      );
      assert.deepEqual(summary.troubles, ['segment 000001.seg: no record begins here; 1 rollout not searched']);
    });
  });

  it('searches the first 4 MB of a text that is longer', async () => {
    await inFolder(async (folder) => {
      const long = `${'x'.repeat(3_000_000)}wait${'x'.repeat(3_000_000)}never`;
      const run = await writeSearchedRun(folder, [textRow('wait'), textRow(long), textRow('wait never')]);
      const { hits, summary } = await search(run, 'wait');
      assert.deepEqual(
        hits.map(({ row, from }) => [row, from]),
        [
          [0, 0],
          [1, 3_000_000],
          [2, 0],
        ],
      );
      assert.deepEqual(summary.troubles, ['1 rollout searched up to their first 4 MB']);
      assert.deepEqual(
        (await search(run, 'never')).hits.map(({ row }) => row),
        [2],
      );
    });
  });

  it('can be cancelled at any place', async () => {
    await inFolder(async (folder) => {
      const run = await writeSearchedRun(
        folder,
        Array.from({ length: 2500 }, () => textRow('wait')),
      );
      const before = AbortSignal.abort();
      await assert.rejects(search(run, 'wait', { signal: before }), { name: 'AbortError' });
      const stop = new AbortController();
      const found: number[] = [];
      const searching = async (): Promise<void> => {
        for await (const { row } of searchRollouts(run, queryOf(run, '/w.it/'), { signal: stop.signal })) {
          found.push(row);
          if (found.length === 10) stop.abort();
        }
      };
      await assert.rejects(searching(), { name: 'AbortError' });
      assert.ok(found.length >= 10 && found.length < 2500, String(found.length));
    });
  });

  it('gives up on an expression that takes too long, and lets others have their turn', async () => {
    await inFolder(async (folder) => {
      const slow = `${'a'.repeat(40)}!`;
      const run = await writeSearchedRun(folder, [textRow('aaa'), textRow(slow), textRow('aa')]);
      let turns = 0;
      const timer = setInterval(() => (turns += 1), 1);
      const { hits, summary } = await search(run, '/^(a+)+$/');
      clearInterval(timer);
      assert.deepEqual(
        hits.map(({ row }) => row),
        [0, 2],
      );
      assert.deepEqual(summary.troubles, ['the expression took longer than 20 ms on 1 rollout; not searched there']);
      assert.ok(turns > 0);
      const many = await writeSearchedRun(
        join(folder, 'many'),
        Array.from({ length: 1200 }, (_, row) => textRow(row < 30 ? slow : 'a')),
      );
      const ended = await search(many, '/^(a+)+$/');
      assert.match(ended.summary.troubles[0] ?? '', /on 20 rollouts; the search ended after 20 of 1,200$/);
    });
  });
});

async function search(
  run: SearchedRun,
  text: string,
  options: SearchOptions = {},
): Promise<{ hits: RolloutHit[]; summary: SearchSummary }> {
  const found = searchRollouts(run, queryOf(run, text), options);
  const hits: RolloutHit[] = [];
  for (;;) {
    const next = await found.next();
    if (next.done === true) return { hits, summary: next.value };
    hits.push(next.value);
  }
}

function queryOf(run: SearchedRun, text: string): Parameters<typeof searchRollouts>[1] {
  const parsed = parseQuery(text, namesOf(run.index));
  assert.ok(parsed.kind === 'query', text);
  return parsed.query;
}

function attempt(number: number, fromStep: number | null): Attempt {
  return { attempt: number, fromStep, time: 0, droppedSteps: 0, device: null, versions: null };
}

function placeOf({ row, from, to, count }: RolloutHit): Found {
  return { row, from, to, count };
}

/** The same, written as plainly as can be. */
function grep(rows: readonly SearchedRow[], terms: readonly QueryTerm[]): Found[] {
  return rows.flatMap(({ bytes }, row): Found[] => {
    const text = decodeUtf8(bytes);
    const places = terms.map((term) => ({ term, found: placesOf(term, text) }));
    if (!places.every(({ term, found }) => found.length > 0 !== term.negated)) return [];
    const [first] = places.filter(({ term }) => !term.negated);
    const [[from, to] = [0, 0]] = first?.found ?? [];
    return [{ row, from, to, count: first?.found.length ?? 0 }];
  });
}

function placesOf(term: QueryTerm, text: string): [number, number][] {
  if (term.kind === 'expression') {
    const matches = text.matchAll(new RegExp(term.source, `${term.flags}g`));
    return [...matches].map(({ index, 0: match }) => [index, index + match.length]);
  }
  assert.ok(term.kind === 'text');
  const isExact = term.text !== term.text.toLowerCase();
  const alike = (a: string, b: string): boolean => a === b || (!isExact && a !== '\u212a' && a.toLowerCase() === b);
  const places: [number, number][] = [];
  for (let at = 0; at + term.text.length <= text.length;) {
    const isHere = [...term.text.split('')].every((unit, place) => alike(text[at + place] ?? '', unit));
    if (isHere) places.push([at, at + term.text.length]);
    at += isHere ? term.text.length : 1;
  }
  return places;
}

function isSought({ kind, negated }: QueryTerm): boolean {
  return !negated && (kind === 'text' || kind === 'expression');
}

const characters = ['a', 'A', 'b', 'k', '\u212a', 'é', 'É', 'İ', '😀', ' ', '\n', '"', '\ufeff', '語'];
const arbitraryBytes = fc
  .array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.constantFrom(...characters).map((character) => [...new TextEncoder().encode(character)]),
      },
      fc.constantFrom([0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0xed, 0xa0, 0x80], [0x00]),
    ),
    { maxLength: 30 },
  )
  .map((pieces) => Uint8Array.from(pieces.flat()));
const arbitraryRow: fc.Arbitrary<SearchedRow> = arbitraryBytes.map((bytes) => ({ bytes }));
const arbitraryTerm: fc.Arbitrary<QueryTerm> = fc.oneof(
  fc
    .tuple(fc.array(fc.constantFrom(...characters, '\ufffd'), { minLength: 1, maxLength: 2 }), fc.boolean())
    .map(([text, negated]) => ({ kind: 'text' as const, text: text.join(''), negated })),
  fc
    .tuple(
      fc.constantFrom('a+', 'b?', '[éÉ]', 'a.b', '^', '\\s', '\\ufffd'),
      fc.constantFrom('', 'i', 'u', 'ms'),
      fc.boolean(),
    )
    .map(([source, flags, negated]) => ({ kind: 'expression' as const, source, flags, negated })),
);
