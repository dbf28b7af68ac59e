import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { command, screenshot, webviewFrame } from '../browser.mjs';
import { equipment } from '../equipment.mjs';
import { eventually } from '../support/eventually';
import { panelFrame } from '../support/panelLooks';
import { writeHostileRun } from '../support/hostileRun';
import { withWindow } from '../support/window';

interface Seen {
  readonly hacked: boolean;
  readonly elements: string[];
  readonly overflow: number;
  readonly raw: boolean;
}

/** What became of hostile text in a page; evaluated there. */
function look(): Seen {
  const foreign = document.querySelectorAll(
    'img, script:not([nonce], #_vscodeApiScript), iframe, a[href], [onerror], [onload], object, embed',
  );
  // What hides or reorders other characters must not reach the page as it is.
  const raw = ['\u202E', '\u2066', '\u200B', '\u001B', '\b', '\0'].some((hidden) =>
    document.body.innerText.includes(hidden),
  );
  const { scrollWidth } = document.scrollingElement ?? document.body;
  return {
    hacked: 'srftHacked' in globalThis,
    elements: Array.from(foreign, ({ outerHTML }) => outerHTML.slice(0, 200)),
    overflow: scrollWidth - innerWidth,
    raw,
  };
}

async function assertHarmless(page: Page, where: string): Promise<void> {
  const seen = await (await panelFrame(page)).evaluate(look);
  assert.deepEqual(seen, { hacked: false, elements: [], overflow: seen.overflow, raw: false }, where);
  assert.ok(seen.overflow <= 0, `${where}: the page is ${seen.overflow} px too wide`);
  assert.ok(!(await page.evaluate(() => 'srftHacked' in globalThis)), where);
}

describe('hostile text in everything a run supplies', () => {
  it('runs nowhere, is drawn inside its box, and shows what it hides', async () => {
    const { reports } = equipment();
    await withWindow(
      'hostile',
      async ({ page, complaints }) => {
        const requests: string[] = [];
        page.on('request', (request) => {
          if (/example\.invalid|\/x$/.test(request.url())) requests.push(request.url());
        });
        await page.locator('.activitybar .action-label[aria-label^="SRFT Studio"]').click();
        const row = page.locator('.sidebar .monaco-list-row', { hasText: 'img src' }).first();
        const hover = page.locator('.monaco-hover:visible').first();
        await eventually('the hover of the row', async () => {
          await page.mouse.move(600, 300);
          await row.hover();
          await page.mouse.wheel(0, 0);
          return hover.waitFor({ timeout: 3000 }).then(
            () => true,
            () => false,
          );
        });
        assert.equal(await hover.locator('img, script, svg, a[href^="command:"], a[href^="javascript:"]').count(), 0);
        await row.dblclick();
        const panel = webviewFrame(page);
        await panel.getByText('Stopped by an error').first().waitFor();
        await panel.locator('.item.row').first().waitFor();
        await assertHarmless(page, 'the panel');
        const list = panel.locator('.list-body');
        const preview = panel.locator('.preview-body');
        for (let place = 0; place < 6; place += 1) {
          await panel.locator('.item.row').nth(place).click();
          await preview.waitFor();
          await eventually('the text of a rollout', async () => (await preview.innerText()).length > 100);
          await assertHarmless(page, `rollout ${place}`);
          const inside = await preview.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
          assert.ok(inside <= 1, `the preview of rollout ${place} is ${inside} px too wide`);
        }
        for (const shown of ['⟨U+202E⟩', '⟨U+001B⟩', '⟨U+200B⟩'])
          assert.ok((await list.innerText()).includes(shown), `${shown} is shown in the list`);
        assert.ok((await panel.locator('.failure').innerText()).includes('⟨U+202E⟩'), 'shown in the failure');
        assert.ok((await panel.locator('h1').innerText()).includes('⟨U+202E⟩'), 'shown in the name');
        const tab = await page.locator('.tab.active').innerText();
        assert.ok(tab.includes('⟨U+202E⟩') && !tab.includes('\u202E'), 'shown in the tab');
        assert.ok(!(await row.innerText()).includes('\u202E'), 'shown in the tree');
        const close = await panel.getByRole('button', { name: 'Close' }).boundingBox();
        assert.ok(close !== null && close.x + close.width <= 1400, 'the preview can be closed');
        await screenshot(page, join(reports, 'ui', 'hostile.png'));
        await list.press('g');
        await page.locator('.tab.active', { hasText: 'group' }).waitFor();
        await webviewFrame(page).locator('.cell', { hasText: 'mg src=x onerror=' }).first().waitFor();
        await assertHarmless(page, 'the group');
        await command(page, 'Notifications: Show Notifications');
        assert.equal(await page.locator('.notifications-center a[href^="command:"]').count(), 0);
        assert.deepEqual(requests, []);
        assert.deepEqual(complaints(), []);
      },
      { fill: writeHostileRun },
    );
  });
});
