import type { Locator, Page } from 'playwright-core';
import { command } from '../browser.mjs';

const attempts = 4;
const patienceMs = 5000;

/** A notification, in the centre; what is said after the centre was opened may not be in it, so it is opened again. */
export async function notification(page: Page, hasText: string | RegExp): Promise<Locator> {
  const item = page.locator('.notification-list-item', { hasText }).first();
  for (let attempt = 1; ; attempt += 1) {
    await command(page, 'Notifications: Show Notifications');
    try {
      await item.waitFor({ timeout: patienceMs });
      return item;
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}
