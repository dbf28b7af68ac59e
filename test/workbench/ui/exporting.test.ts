import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { chooseFromMenu } from '../support/menu';
import { notification } from '../support/notifications';
import { copyRun } from '../support/recordedRun';
import { withWindow } from '../support/window';

const { reports } = equipment();

/** Presses the button of the box that asks where to save; it stands at the name that was suggested. */
async function saveAs(page: Page, name: string): Promise<void> {
  const box = page.locator('.quick-input-widget:visible');
  const input = box.locator('input[type=text]');
  await eventually(`${name} in the box`, async () => (await input.inputValue()).endsWith(name));
  await box.getByRole('button', { name: 'OK' }).click();
}

/** Opens a written report where there is no network, and zooms. */
async function readReport(page: Page, file: string): Promise<void> {
  const browser = page.context().browser() ?? assert.fail('no browser');
  const context = await browser.newContext({ offline: true, viewport: { width: 1200, height: 900 } });
  try {
    const asked: string[] = [];
    const wrong: string[] = [];
    const report = await context.newPage();
    report.on('request', (request) => asked.push(request.url()));
    report.on('pageerror', ({ message }) => wrong.push(message));
    report.on('console', (message) => {
      if (message.type() === 'error') wrong.push(message.text());
    });
    await report.goto(pathToFileURL(file).href);
    await report.locator('canvas').first().waitFor();
    const ticks = report.locator('.lane .tick');
    const before = await ticks.allInnerTexts();
    await report.locator('.overlay').hover({ position: { x: 200, y: 60 } });
    await report.mouse.wheel(0, -400);
    const whole = report.getByRole('button', { name: /^Whole run \(showing / });
    await whole.waitFor();
    await eventually('another axis', async () => String(await ticks.allInnerTexts()) !== String(before));
    await screenshot(report, join(reports, 'ui', 'report.png'));
    await whole.click();
    await whole.waitFor({ state: 'detached' });
    assert.deepEqual(wrong, []);
    assert.deepEqual(
      asked.filter((url) => !/^(file|data|blob):/.test(url)),
      [],
      'the report asks nobody for anything',
    );
  } finally {
    await context.close();
  }
}

describe('exports, by the mouse to their end', () => {
  it('a report that is read without a network, the curves as CSV, the rollouts as Parquet', async () => {
    await withWindow(
      'exporting',
      async ({ page, workspace, complaints }) => {
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        const row = page.locator('.sidebar .monaco-list-row', { hasText: 'rich' }).first();
        await row.dblclick();
        await webviewFrame(page).getByRole('button', { name: 'Export Report' }).click();
        await saveAs(page, 'rich.html');
        const told = await notification(page, 'The report is written');
        await told.getByRole('button', { name: 'Open' }).waitFor();
        await readReport(page, join(workspace, 'runs', 'rich.html'));

        await chooseFromMenu(page, row, 'Export Curves as CSV');
        await saveAs(page, 'rich.csv');
        await notification(page, '6 rows written');
        const [head = '', ...lines] = readFileSync(join(workspace, 'runs', 'rich.csv'), 'utf8')
          .trim()
          .split(/\r?\n/);
        assert.ok(head.split(',').includes('loss/total'), head);
        assert.equal(lines.length, 6, 'a line for each step');

        const parquet = join(workspace, 'runs', 'rich.parquet');
        await chooseFromMenu(page, row, 'Export Rollouts as Parquet');
        await saveAs(page, 'rich.parquet');
        await eventually('the rollouts', () => existsSync(parquet) && readFileSync(parquet).length > 8);
        const bytes = readFileSync(parquet);
        assert.deepEqual(
          [bytes.toString('latin1', 0, 4), bytes.toString('latin1', bytes.length - 4)],
          ['PAR1', 'PAR1'],
        );
        assert.deepEqual(complaints(), []);
      },
      {
        fill: (folder) => {
          copyRun(folder, 'rich');
        },
      },
    );
  });
});
