import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { differences, shortNames, variants } from '../../../webview/runVariants';

type Recipe = Readonly<Record<string, string>>;

function run(recipe: Recipe): { recipe: { key: string; value: string }[] } {
  return { recipe: Object.entries(recipe).map(([key, value]) => ({ key, value })) };
}

describe('runs that are compared', () => {
  it('stand together when nothing but their seeds and names differ', () => {
    const runs = [
      run({ name: 'a', 'training.seed': '1', rate: '0.1' }),
      run({ name: 'b', 'training.seed': '2', rate: '0.2' }),
      run({ name: 'c', 'training.seed': '3', rate: '0.1' }),
    ];
    assert.deepEqual(variants(runs), [[0, 2], [1]]);
  });

  it('every run is in exactly one group', () => {
    const recipe = fc.record({ rate: fc.constantFrom('1', '2', '3'), seed: fc.constantFrom('1', '2') });
    fc.assert(
      fc.property(fc.array(recipe, { maxLength: 8 }), (recipes) => {
        const places = variants(recipes.map(run)).flat();
        assert.deepEqual(
          places.sort((a, b) => a - b),
          recipes.map((_, place) => place),
        );
      }),
    );
  });

  it('differences name each key that is not the same in all, and what is missing', () => {
    const runs = [run({ rate: '0.1', steps: '60' }), run({ rate: '0.2', steps: '60', clip: '1' })];
    assert.deepEqual(differences(runs), [
      { key: 'rate', values: ['0.1', '0.2'] },
      { key: 'clip', values: ['–', '1'] },
    ]);
    assert.deepEqual(differences([run({ rate: '1' }), run({ rate: '1' })]), []);
  });

  const cases: [names: string[], short: string[]][] = [
    [
      ['sums-srft-01', 'sums-srft-02'],
      ['01', '02'],
    ],
    [
      ['sums-a', 'products-a'],
      ['sums-a', 'products-a'],
    ],
    [
      ['run-', 'run-1'],
      ['run-', 'run-1'],
    ],
    [
      ['same', 'same'],
      ['same', 'same'],
    ],
    [['one-alone'], ['alone']],
  ];
  for (const [names, short] of cases) {
    it(`${names.join(', ')} in short: ${short.join(', ')}`, () => {
      assert.deepEqual(shortNames(names.map((name) => ({ name }))), short);
    });
  }
});
