import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkFormat } from '../../../core/version';
import { parseRunManifest } from '../../../core/wireText';

const cases: readonly [unknown, 'readable' | RegExp][] = [
  ['1.0', 'readable'],
  ['1.7', 'readable'],
  ['1.999', 'readable'],
  ['2.0', /run\.json has format 2\.0, this reader knows 1\.x: update/],
  ['0.9', /format 0\.9.*release that wrote it/],
  ['one', /names no format version/],
  ['1', /names no format version/],
  [undefined, /names no format version/],
  [1, /names no format version/],
];
for (const [format, expected] of cases) {
  it(`format ${JSON.stringify(format)}`, () => {
    const check = checkFormat(format, 'run.json');
    if (expected === 'readable') assert.equal(check.kind, 'readable');
    else assert.match(check.kind === 'refused' ? check.message : '', expected);
  });
}

it('another major version is refused by name before its keys are judged', () => {
  const manifest = parseRunManifest('{"format":"3.1","everything":"else"}');
  assert.match(manifest.kind === 'broken' ? manifest.reason : '', /format 3\.1/);
});
