import type { Page } from 'playwright-core';

/** What the editor in front shows, lines in their order. */
export async function shownText(page: Page): Promise<string> {
  const lines = page.locator('.editor-group-container.active .view-line');
  const placed = await lines.evaluateAll((elements) =>
    elements.map((element) => ({ top: Number.parseFloat(element.style.top), text: element.textContent })),
  );
  return placed
    .sort((a, b) => a.top - b.top)
    .map(({ text }) => text.replaceAll('\u00a0', ' '))
    .join('\n');
}
