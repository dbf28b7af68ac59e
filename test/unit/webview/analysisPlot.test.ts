import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TokenPoints, TokensMessage } from '../../../core/generated/analyses';
import { pullStreams, sequenceSources } from '../../../core/pullStreams';
import { paintPlot, placeAt, placeText, frameOf } from '../../../webview/analysisPaint';
import {
  blankPlot,
  exactly,
  numberNear,
  placeBeside,
  placesOf,
  sceneOfSide,
  thinnedPlaces,
  type Plot,
} from '../../../webview/analysisPlot';
import { pullFigure, stepFigures } from '../../../webview/analysisSteps';
import { entropyFigure, profileFigure, ratioFigure } from '../../../webview/analysisTokens';
import type { Colours } from '../../../webview/colours';
import { pixelOf, pointAt, pointBeside, scatterOf } from '../../../webview/scatterMaths';
import { svgSurface } from '../../../webview/surface';

const plain = new Proxy<Record<string, string>>({}, { get: (_, name) => String(name) });
const colours = { of: plain as Colours['of'], highContrast: false };
const value = fc.double({ min: -50, max: 50, noNaN: true });

const plotOf = (numbers: readonly number[], more: Partial<Plot> = {}): Plot => ({
  ...blankPlot,
  name: 'p',
  x: { kind: 'step', label: 'step', range: [1, Math.max(2, numbers.length)] },
  left: { label: 'l', range: null },
  otherwise: 'nothing',
  series: [
    exactly(
      { label: 's', colour: 'text' },
      Float64Array.from(numbers, (_, place) => place + 1),
      Float64Array.from(numbers),
    ),
  ],
  ...more,
});

/** Tokens of two steps: of the first all streams are known, of the second one is not. */
const message: TokensMessage = {
  ...{
    kind: 'tokens',
    reading: 1,
    from: 1,
    to: null,
    share: 1,
    sequences: 4,
    sequencesThere: 4,
    tokens: 9,
    tokensThere: 9,
  },
  ...{ notes: [], pointsOf: 3, step: Float64Array.of(1, 2) },
  mass: Float64Array.of(1, 2, 5, NaN, 3, 3, 1, 1),
  histogram: {
    edges: Float64Array.of(0.01, 0.1, 1, 10),
    tokens: Float64Array.of(3, 1, 0, 2, 0, 0, 0, 2, 0, 0, 2, 0),
    mass: Float64Array.of(3, 1, 0, 2, 0, 0, 0, 1, 0, 0, 1, 0),
  },
  profile: {
    count: new Float64Array(2 * sequenceSources.length).fill(1),
    mean: Float64Array.of(0.1, 0.2, 0.3, 0.4, NaN, NaN),
    low: new Float64Array(6).fill(NaN),
    high: new Float64Array(6).fill(NaN),
  },
  ratio: { gamma: 0.1, tokens: Float64Array.of(0, 1, 3, 0) },
  points: {
    ...{
      entropy: Float32Array.of(0.5, 0, 2),
      pull: Float32Array.of(-1, 0.1, 0.4),
      probability: Float32Array.of(0.5, 1, NaN),
    },
    ...{
      stream: Int32Array.of(1, 0, 2),
      step: Int32Array.of(1, 1, 2),
      token: Int32Array.of(0, 4, 2),
      words: ['"a"', '"b"', '"c"'],
    },
  },
};

describe('the plots of analyses', () => {
  it('have every number within their axes, and a text at each tick', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 40 }), fc.boolean(), (numbers, asLayer) => {
        const [series] = plotOf(numbers).series;
        assert.ok(series !== undefined);
        const plot = plotOf(numbers, { series: [{ ...series, shape: asLayer ? 'layer' : 'line' }] });
        const scene = sceneOfSide(plot, 'left');
        for (const number of numbers)
          assert.ok(number >= scene.y[0] && number <= scene.y[1], `${number} in ${scene.y.join()}`);
        const parts: string[] = [];
        paintPlot(plot, svgSurface(parts), { width: 400, height: 200 }, colours, null, (_, inside) => {
          inside();
        });
        assert.doesNotMatch(parts.join(), /NaN|Infinity|undefined/);
        assert.match(parts.join(), />step</);
      }),
    );
  });

  it('on a logarithmic axis stand at its foot, whatever part of them is nothing', () => {
    const share = fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1, noNaN: true }));
    fc.assert(
      fc.property(fc.array(share, { minLength: 2, maxLength: 20 }), (numbers) => {
        const [series] = plotOf(numbers).series;
        assert.ok(series !== undefined);
        const left = { label: 'l', range: 'logarithmic' } as const;
        const plot = plotOf(numbers, { left, asBars: true, series: [{ ...series, shape: 'layer' }] });
        const { y, layers } = sceneOfSide(plot, 'left');
        assert.ok(y[0] > 0 && y[1] > y[0]);
        for (const { base, top } of layers) {
          assert.ok(base.every((number) => number === y[0]));
          assert.deepEqual(
            [...top].map((number) => number > y[0] && number < y[1]),
            numbers.map((number) => number > 0),
          );
        }
      }),
    );
  });

  it('are read where a cursor stands: at every place its own number', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 40 }), (numbers) => {
        const plot = plotOf(numbers);
        const places = placesOf(plot);
        const [series] = plot.series;
        assert.ok(series !== undefined);
        assert.deepEqual(
          [...places],
          numbers.map((_, place) => place + 1),
        );
        assert.deepEqual(
          [...places].map((place) => series.value[numberNear(series, place)]),
          numbers,
        );
        assert.equal(numberNear(series, numbers.length + 5), -1);
        const rows = thinnedPlaces(places, 7);
        assert.ok(rows.length <= 7 && rows[0] === 1 && rows.at(-1) === (rows.length === 1 ? 1 : numbers.length));
        // From nowhere a key begins at an end, and then goes one by one.
        assert.equal(placeBeside(places, null, 1), numbers.length);
        assert.equal(placeBeside(places, numbers.length, -1), Math.max(1, numbers.length - 1));
      }),
    );
    assert.equal(placeBeside(new Float64Array(0), null, 1), null);
  });

  it('hold points until the next one', () => {
    const points = exactly(
      { label: 'e', colour: 'text', shape: 'points' },
      Float64Array.of(0, 10, 20),
      Float64Array.of(1, 2, 3),
    );
    assert.deepEqual(
      [-1, 0, 4, 9, 10, 25].map((at) => numberNear(points, at)),
      [-1, 0, 0, 0, 1, 2],
    );
  });

  it('have their places under the pixels that show them', () => {
    const plot = plotOf([1, 2, 3]);
    const frame = frameOf(plot, 500, 200);
    assert.equal(placeAt(plot.x, frame, frame.left), plot.x.range[0]);
    assert.ok(Math.abs(placeAt(plot.x, frame, frame.left + frame.width) - plot.x.range[1]) < 1e-9);
    assert.deepEqual(
      [placeText('entropy', -4), placeText('entropy', 0), placeText('step', 12_000)],
      ['0.0001', '1', '12k'],
    );
  });
});

describe('the figures of analyses', () => {
  it('over steps mark where a phase gives way to another, and draw the other run by dashes', () => {
    const run = {
      ...{ name: 'one', first: 1, last: 4, steps: 4, evaluations: [], step: Float64Array.of(1, 2, 3, 4) },
      phases: [
        { step: 1, phase: 'sft' },
        { step: 3, phase: 'grpo' },
      ],
      curves: [
        { metric: 'reward/mean', low: Float64Array.of(0, 1, 2, 3), high: Float64Array.of(0, 1, 2, 3), newest: null },
      ],
    };
    const alone = { ...run, phases: [{ step: 1, phase: 'srft' }] };
    const [accuracy, dynamics] = stepFigures({ kind: 'run', run, other: alone, isAlive: false, smoothing: 0 });
    assert.deepEqual(accuracy?.plots[0]?.marks, [{ x: 2.5, label: 'SFT → RL (GRPO)' }]);
    const [own, other] = dynamics?.plots[0]?.series ?? [];
    assert.deepEqual([own?.label, other?.label], ['one', 'one']);
    assert.notDeepEqual(own?.dash, other?.dash);
    const [without] = stepFigures({ kind: 'run', run: alone, other: null, isAlive: false, smoothing: 0 });
    assert.deepEqual(without?.plots[0]?.marks, []);
    assert.match(without.sentence, /one phase/);
  });

  it('of the pull have shares that sum to one, and none of a step of which a stream is unknown', () => {
    const [shares, masses] = pullFigure(message).plots;
    assert.deepEqual(
      shares?.series.map(({ x, value: share }) => [...x, ...share]),
      [
        [1, 0.1],
        [1, 0.5],
        [1, 0.3],
        [1, 0.1],
      ],
    );
    assert.equal(masses?.series.length, pullStreams.length);
  });

  it('of entropy have shares of the pull that sum to one, and of the tokens too', () => {
    const [plot] = entropyFigure(message).plots;
    const sum = (values: Iterable<number>): number => [...values].reduce((before, one) => before + one, 0);
    const layers = plot?.series.filter(({ shape }) => shape === 'layer') ?? [];
    assert.ok(Math.abs(sum(layers.flatMap(({ value: share }) => [...share])) - 1) < 1e-12);
    const tokens = plot?.series.filter(({ shape }) => shape === 'points') ?? [];
    assert.ok(Math.abs(sum(tokens.flatMap(({ value: share }) => [...share])) - 1) < 1e-12);
    // Bins behind the last that holds a token are not drawn.
    assert.deepEqual(plot?.x.range, [-2, 0]);
  });

  it('of positions and ratios draw what there is, and say what there is not', () => {
    const [profile] = profileFigure(message).plots;
    assert.deepEqual(
      profile?.series.map(({ label }) => label),
      ['right (1)', 'wrong (1)'],
    );
    assert.ok(profile.series.every(({ low, value: mean }) => low.every((end, place) => end === mean[place])));
    assert.deepEqual([...(ratioFigure(message).plots[0]?.series[0]?.value ?? [])], [0, 0.25, 0.75, 0]);
    const none = ratioFigure({ ...message, ratio: null }).plots[0];
    assert.deepEqual(none?.series, []);
    assert.match(none.otherwise, /no ratio/);
  });
});

describe('the scatter of tokens', () => {
  const frame = { left: 40, top: 20, width: 400, height: 200 };
  const points: fc.Arbitrary<TokenPoints> = fc
    .array(
      fc.record({ entropy: fc.double({ min: 0, max: 5, noNaN: true }), pull: value, p: fc.double({ min: 0, max: 1 }) }),
      {
        minLength: 1,
        maxLength: 60,
      },
    )
    .map((list) => ({
      entropy: Float32Array.from(list, ({ entropy }) => entropy),
      pull: Float32Array.from(list, ({ pull }) => pull),
      probability: Float32Array.from(list, ({ p }) => p),
      stream: new Int32Array(list.length),
      step: new Int32Array(list.length),
      token: new Int32Array(list.length),
      words: list.map(() => '""'),
    }));

  it('has every point in its frame, and a click on one finds it or one that lies over it', () => {
    fc.assert(
      fc.property(points, fc.constantFrom('pull', 'push'), (all, height) => {
        const scatter = scatterOf(all, height);
        for (const place of scatter.order) {
          const [x, y] = pixelOf(scatter, frame, place);
          assert.ok(
            x >= frame.left && x <= frame.left + frame.width && y >= frame.top && y <= frame.top + frame.height,
          );
          const found = pointAt(scatter, frame, x, y, 6);
          assert.ok(found !== null);
          assert.deepEqual(pixelOf(scatter, frame, found), [x, y]);
        }
      }),
    );
    assert.equal(pointAt(scatterOf(message.points, 'pull'), frame, -1000, -1000, 6), null);
  });

  it('is walked by keys, every point once, and leaves out what has no number', () => {
    const scatter = scatterOf(message.points, 'pull');
    assert.deepEqual(scatter.order, [1, 0, 2]);
    const walked = [pointBeside(scatter, null, 1)];
    for (let key = 0; key < 3; key += 1) walked.push(pointBeside(scatter, walked.at(-1) ?? null, 1));
    assert.deepEqual(walked, [1, 0, 2, 2]);
    assert.equal(pointBeside(scatter, null, -1), 2);
    // Where no probability was recorded, nobody knows how far the logit moved.
    assert.deepEqual(scatterOf(message.points, 'push').order, [1, 0]);
    assert.equal(scatterOf(message.points, 'push').upwards[0], -0.5);
  });
});
