import type { Page } from 'playwright-core';
import { webviewFrame } from '../browser.mjs';

/** Opens the panel of the run `trained`, and from its list the first rollout whose line has `words`. */
export async function openTrace(page: Page, words: RegExp): Promise<void> {
  await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
  await page.locator('.sidebar .monaco-list-row', { hasText: 'trained' }).first().dblclick();
  await webviewFrame(page).locator('.rollouts .item.row', { hasText: words }).first().dblclick();
  await page.locator('.tab.active', { hasText: /rollout \d/ }).waitFor();
  await page.locator('.codelens-decoration').first().waitFor();
}
