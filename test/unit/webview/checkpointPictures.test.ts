import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { counted } from '../../../core/checkpointDifference';
import { restoredChoice, settledChoice } from '../../../webview/checkpointChoice';
import {
  cellOfKey,
  changedBeside,
  histogramOf,
  pathPicture,
  probabilityText,
  signedText,
  tickText,
  tokenOfKey,
} from '../../../webview/checkpointPictures';

const frame = { left: 40, top: 8, width: 370, height: 130 };
const differences = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 200 });

describe('the histogram as it is drawn', () => {
  it('has a bar for each bin that holds something, inside the frame, the higher the more it holds', () => {
    fc.assert(
      fc.property(differences, (values) => {
        const counts = counted(Float32Array.from(values));
        const { bars, ticks } = histogramOf(counts, frame);
        assert.equal(
          bars.reduce((sum, { tokens }) => sum + tokens, 0),
          counts.tokens,
        );
        for (const bar of bars) {
          assert.ok(bar.height > 0 && bar.top >= frame.top && bar.top + bar.height <= frame.top + frame.height + 1e-9);
          assert.ok(bar.left >= frame.left && bar.left + bar.width <= frame.left + frame.width + 1e-9);
          assert.equal(bar.side, bar.to < 0 ? 'down' : bar.from > 0 ? 'up' : 'middle');
          for (const other of bars) if (bar.tokens < other.tokens) assert.ok(bar.height < other.height);
        }
        assert.equal(ticks[0]?.tokens, 1);
        for (const { top } of ticks) assert.ok(top >= frame.top && top <= frame.top + frame.height);
      }),
    );
  });
});

describe('the path as it is drawn', () => {
  it('keeps every checkpoint that both sets know inside the frame, nearer ones further down and left', () => {
    const nats = fc.option(fc.double({ min: 0, max: 12, noNaN: true }));
    const points = fc.array(fc.record({ surprise: fc.tuple(nats, nats, nats) }), { maxLength: 12 });
    fc.assert(
      fc.property(points, fc.nat(2), fc.nat(2), (list, across, upwards) => {
        const named = list.map((point, place) => ({ name: `step ${place}`, accuracy: null, ...point }));
        const picture = pathPicture(named, { across, upwards }, frame);
        const known = named.filter(({ surprise }) => surprise[across] !== null && surprise[upwards] !== null);
        assert.deepEqual(
          picture.points.map(({ name }) => name),
          known.map(({ name }) => name),
        );
        picture.points.forEach(({ left, top }, place) => {
          assert.ok(left >= frame.left && left <= frame.left + frame.width);
          assert.ok(top >= frame.top && top <= frame.top + frame.height);
          picture.points.forEach((other, beside) => {
            const [x, y] = [known[place]?.surprise[across] ?? 0, known[place]?.surprise[upwards] ?? 0];
            if (x < (known[beside]?.surprise[across] ?? 0)) assert.ok(left <= other.left);
            if (y < (known[beside]?.surprise[upwards] ?? 0)) assert.ok(top >= other.top);
          });
        });
      }),
    );
  });
});

describe('numbers at an axis', () => {
  it('tell each place from the next, with no digit more', () => {
    const texts = (...values: number[]): string[] =>
      values.map((value) =>
        tickText(
          value,
          values.map((one) => ({ value: one })),
        ),
      );
    assert.deepEqual(texts(0.11, 0.1125, 0.115), ['0.1100', '0.1125', '0.1150']);
    assert.deepEqual(texts(0.1, 0.15, 0.2), ['0.10', '0.15', '0.20']);
    assert.deepEqual(texts(2, 4, 6), ['2', '4', '6']);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 10, noNaN: true }),
        fc.double({ min: 0.003, max: 5, noNaN: true }),
        (low, span) => {
          const surprise = [
            [low, low],
            [low + span, low + span],
          ];
          const points = surprise.map((values) => ({ name: '', accuracy: null, surprise: values }));
          const { across } = pathPicture(points, { across: 0, upwards: 1 }, frame);
          const words = across.map(({ value }) => tickText(value, across));
          assert.equal(new Set(words).size, words.length);
        },
      ),
    );
  });
});

describe('keys', () => {
  const levels = Int8Array.of(0, 2, 0, -1, 0);

  it('go through tokens, and through those that changed', () => {
    assert.deepEqual(
      ['ArrowRight', 'ArrowLeft', 'ArrowDown', 'ArrowUp', 'Home', 'End', 'a'].map((key) => tokenOfKey(key, 2, levels)),
      [3, 1, 3, 1, 0, 4, undefined],
    );
    assert.equal(tokenOfKey('ArrowDown', -1, levels), 1);
    assert.equal(tokenOfKey('ArrowUp', -1, levels), 3);
    assert.equal(changedBeside(levels, 3, 1), 3, 'stays where there is no other');
  });

  it('never leave the text, nor the grid', () => {
    const key = fc.constantFrom('ArrowRight', 'ArrowLeft', 'ArrowDown', 'ArrowUp', 'Home', 'End');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1 }), fc.array(key), (list, keys) => {
        let at = -1;
        let cell = { row: 0, column: 0 };
        for (const one of keys) {
          at = tokenOfKey(one, at, list) ?? -2;
          assert.ok(at >= 0 && at < list.length);
          cell = cellOfKey(one, cell, 3, list.length) ?? { row: -1, column: -1 };
          assert.ok(cell.row >= 0 && cell.row < 3 && cell.column >= 0 && cell.column < list.length);
        }
      }),
    );
  });
});

describe('numbers in words', () => {
  it('have their sign and never a minus of nothing', () => {
    assert.deepEqual([0.352, -0.352, -0.001, NaN].map(signedText), ['+0.35', '−0.35', '0.00', '–']);
    assert.deepEqual([0.5, 0, 1, 0.00012, NaN].map(probabilityText), ['0.50', '0.00', '1.00', '1e−4', '–']);
  });
});

describe('what is chosen', () => {
  const told = {
    places: ['base', 'step 1', 'step 2'].map((key) => ({ key, name: key, description: '' })),
    sets: ['group', 'evaluations 2'].map((key) => ({ key, label: key, sequences: 1 })),
    usual: { before: 'base', after: 'step 2', set: 'group' },
    chosen: null,
  };
  const none = restoredChoice(undefined);

  it('is what the host wishes, then what was chosen and is there, then what is usual', () => {
    assert.deepEqual(settledChoice(none, told), { ...none, ...told.usual });
    const kept = { ...none, before: 'step 1', after: 'step 9', set: 'evaluations 2' };
    assert.deepEqual(settledChoice(kept, told), { ...kept, after: 'step 2' });
    const chosen = { before: null, after: 'step 1', set: null };
    assert.deepEqual(settledChoice(kept, { ...told, chosen }), { ...kept, after: 'step 1' });
  });

  it('comes back from whatever a view kept', () => {
    const choice = { before: 'base', after: 'step 2', set: 'group', sequence: 3, across: 2, upwards: 0, probe: 1 };
    assert.deepEqual(restoredChoice({ choice }), choice);
    fc.assert(
      fc.property(fc.anything(), (state) => {
        const { sequence, across, upwards, probe } = restoredChoice({ choice: state });
        for (const place of [sequence, across, upwards, probe]) assert.ok(Number.isSafeInteger(place) && place >= 0);
      }),
    );
  });
});
