import type { Locator, Page } from 'playwright-core';

/** Chooses an entry of the menu that a right click on a row opens. */
export async function chooseFromMenu(page: Page, row: Locator, label: string): Promise<void> {
  await row.click({ button: 'right' });
  const entry = page.locator('.monaco-menu .action-item', { hasText: label }).first();
  await entry.hover();
  // A menu just opened takes a click for the one that opened it.
  await page.keyboard.press('Enter');
  await entry.waitFor({ state: 'hidden' });
}
