import type { Locator, Page } from 'playwright-core';
import { command } from '../browser.mjs';
import { eventually } from './eventually';

/**
 * The notification with these words, in the centre. A headless window shows no toasts, and a centre that is opened
 * before its first notification came goes away again.
 */
export async function notification(page: Page, words: string | RegExp): Promise<Locator> {
  const centre = page.locator('.notifications-center.visible');
  const found = centre.locator('.notification-list-item', { hasText: words }).first();
  await eventually(
    `the notification '${words}'`,
    async () => {
      if (!(await centre.isVisible())) await command(page, 'Notifications: Show Notifications');
      return found.waitFor({ timeout: 2000 }).then(
        () => true,
        () => false,
      );
    },
    { withinMs: 30_000 },
  );
  return found;
}
