import { createRequire } from 'node:module';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame, Locator, Page } from 'playwright-core';
import { screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';

const { root, reports } = equipment();
const axeFile = createRequire(join(root, 'test/workbench/package.json')).resolve('axe-core/axe.min.js');

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact?: string | null;
    readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
  }[];
}

/** The frame of the panel in front; the page's policy keeps scripts out, evaluation is the debugger's. */
export async function panelFrame(page: Page): Promise<Frame> {
  const handle = await webviewFrame(page).locator('body').elementHandle();
  const frame = await handle.ownerFrame();
  if (frame === null) throw new Error('the panel has no frame');
  return frame;
}

/** Another theme in the same window, where a webview is in front; one window after another would take longer. */
export async function chooseTheme(page: Page, label: string, className: string): Promise<void> {
  await pickTheme(page, label);
  await webviewFrame(page).locator(`body.${className}`).waitFor();
  // The colours of the workbench fade over.
  await page.waitForTimeout(500);
}

/** Another theme, as a person picks it. */
export async function pickTheme(page: Page, label: string): Promise<void> {
  const input = page.locator('.quick-input-widget:visible input[type=text]');
  const entry = (words: string): Locator =>
    page.locator('.quick-input-widget .monaco-list-row .label-name').filter({ hasText: new RegExp(`^${words}$`) });
  await page.keyboard.press('F1');
  await input.fill('>Preferences: Color Theme');
  await entry('Preferences: Color Theme').click();
  await entry('Light Modern').waitFor();
  await input.fill(label);
  await entry(label).click();
}

/** What axe finds to be serious or critical in the panel, a line each. */
export async function seriousFindings(page: Page): Promise<string[]> {
  const frame = await panelFrame(page);
  await frame.evaluate(readFileSync(axeFile, 'utf8'));
  const results = await frame.evaluate<AxeResults>(
    // The region rule is about whole pages, and the panel is a part of one.
    `axe.run(document, { resultTypes: ['violations'], rules: { region: { enabled: false } } })`,
  );
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
    );
}

/** Are the documentation's pictures to be made anew? */
export const keepsPictures = process.env['SRFT_PICTURES'] === '1';

/** A picture among the reports, and where asked for, one of the documentation. */
export async function keepPicture(page: Page, name: string, isDocumented = true): Promise<void> {
  const file = join(reports, 'ui', `${name}.png`);
  await screenshot(page, file);
  if (!keepsPictures || !isDocumented) return;
  mkdirSync(join(root, 'docs', 'pictures'), { recursive: true });
  copyFileSync(file, join(root, 'docs', 'pictures', `${name}.png`));
}
