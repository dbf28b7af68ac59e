import type { Page } from 'playwright-core';

/** The text that is selected in the editor in front, within one line. */
export async function selectedText(page: Page): Promise<string> {
  const status = await page.locator('.statusbar-item', { hasText: /selected/ }).innerText();
  const [line = 0, column = 0, count = 0] = (status.match(/\d+/g) ?? []).map(Number);
  const lines = await page
    .locator('.editor-group-container.active .view-line')
    .evaluateAll((elements) =>
      elements.map((element) => ({ top: Number.parseFloat(element.style.top), text: element.textContent })),
    );
  const { text = '' } = lines.sort((a, b) => a.top - b.top)[line - 1] ?? {};
  return text.slice(column - 1 - count, column - 1);
}
