import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { chromium } from 'playwright-core';

const readyLimitMs = 60_000;
const paletteAttempts = 6;

/** Headless, without a sandbox (tests run as root in containers), and with no way to any other machine. */
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  // A symbol that turns is drawn sixty times a second, by the processor.
  '--force-prefers-reduced-motion',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/** Chromium makes of the locale "C", which bare machines have, a language that Intl refuses. */
const language = { LANG: 'en_US.UTF-8', LC_ALL: 'en_US.UTF-8' };

/** @param {Pick<import('./equipment.mjs').Workbench, 'browser'>} workbench */
export function launchBrowser({ browser: { program, env } }) {
  return chromium.launch({
    executablePath: program,
    args: flags,
    env: { ...definedOf(process.env), ...language, ...env },
  });
}

/** Waits until the workbench is painted. @param {import('playwright-core').Page} page */
export async function ready(page) {
  await page.locator('.monaco-workbench').waitFor({ timeout: readyLimitMs });
  await page.locator('.statusbar .statusbar-item').first().waitFor({ timeout: readyLimitMs });
}

/**
 * Runs a command as a person does: a palette that was opened before the extension's commands were there is opened anew.
 * @param {import('playwright-core').Page} page
 * @param {string} label as the palette shows it
 */
export async function command(page, label) {
  const input = page.locator('.quick-input-widget:visible input[type=text]');
  const entry = page.locator('.quick-input-widget .monaco-list-row.focused', { hasText: label });
  for (let attempt = 1; ; attempt += 1) {
    try {
      await page.keyboard.press('F1');
      // A box that is on its way out is there and takes nothing.
      await input.fill(`>${label}`, { timeout: 3000 });
      await entry.waitFor({ timeout: 3000 });
      break;
    } catch (error) {
      if (attempt === paletteAttempts) throw error;
      await page.keyboard.press('Escape');
    }
  }
  await page.keyboard.press('Enter');
}

/**
 * The document of a webview, which lies in a frame within a frame. The first one of a session takes 3–5 s to appear.
 * @param {import('playwright-core').Page} page
 * @param {number} [index] which, when several are in view; one that is hidden and keeps its page is not
 */
export function webviewFrame(page, index = 0) {
  const relay = page.locator('iframe.webview.ready:visible').nth(index).contentFrame();
  return relay.locator('iframe#active-frame').contentFrame();
}

/** @param {import('playwright-core').Page} page @param {string} path */
export async function screenshot(page, path) {
  mkdirSync(dirname(path), { recursive: true });
  await page.screenshot({ path });
}

/** @param {NodeJS.ProcessEnv} environment @returns {Record<string, string>} */
function definedOf(environment) {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}
