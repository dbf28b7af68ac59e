import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Painter, unpainted } from '../../../src/cli/painter';
import { VirtualTerminal } from '../support/virtualTerminal';

const frame = (count: number, word: string): string[] => Array.from({ length: count }, (_, line) => `${word} ${line}`);

describe('the painter', () => {
  it('each frame takes the place of the one before, whatever their heights; what stood above stays', () => {
    const terminal = new VirtualTerminal(40, 20);
    terminal.write('$ npm run demo\n');
    const painter = new Painter(terminal);
    for (const lines of [frame(3, 'one'), frame(6, 'two'), frame(2, 'three')]) {
      painter.draw(lines);
      assert.deepEqual(terminal.lines, ['$ npm run demo', ...lines, '']);
      assert.equal(terminal.cursorHidden, true);
    }
    painter.finish();
    assert.equal(terminal.cursorHidden, false);
    terminal.write('after\n');
    assert.deepEqual(terminal.lines, ['$ npm run demo', ...frame(2, 'three'), 'after', '']);
  });

  it('a frame higher than the terminal is cut, so that it never scrolls', () => {
    const terminal = new VirtualTerminal(40, 5);
    const painter = new Painter(terminal);
    for (let count = 0; count < 3; count += 1) painter.draw(frame(30, `frame ${count}`));
    assert.deepEqual(terminal.lines, [...frame(4, 'frame 2'), '']);
  });

  it('a terminal made narrower, then wider, shows one frame', () => {
    const terminal = new VirtualTerminal(40, 30);
    terminal.write('above\n');
    const painter = new Painter(terminal);
    painter.draw(frame(3, 'a line of some thirty characters'));
    terminal.resize(20);
    painter.draw(frame(3, 'narrow'));
    assert.deepEqual(terminal.lines, ['above', ...frame(3, 'narrow'), '']);
    terminal.resize(60);
    painter.draw(frame(3, 'a line of some thirty characters'));
    assert.deepEqual(terminal.lines, ['above', ...frame(3, 'a line of some thirty characters'), '']);
  });

  it('a line that did not change is written again where a wrapped one pushed it down', () => {
    const terminal = new VirtualTerminal(40, 30);
    const painter = new Painter(terminal);
    painter.draw(['a line of some thirty characters', 'same']);
    terminal.resize(20);
    painter.draw(['cut', 'same']);
    assert.deepEqual(terminal.lines, ['cut', 'same', '']);
  });

  it('a line that did not change is not written again', () => {
    const terminal = new VirtualTerminal(40, 20);
    const written: string[] = [];
    const painter = new Painter({
      columns: 40,
      rows: 20,
      write(text: string) {
        written.push(text);
        terminal.write(text);
      },
    });
    painter.draw(['same', 'old', 'same too']);
    painter.draw(['same', 'new', 'same too']);
    assert.deepEqual(terminal.lines, ['same', 'new', 'same too', '']);
    assert.doesNotMatch(written[1] ?? '', /same/);
  });

  it('colours have no width', () => {
    assert.equal(unpainted('\u001b[38;5;75mblue\u001b[0m sea'), 'blue sea');
  });
});
