import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { chromium } from 'playwright-core';

const readyLimitMs = 60_000;

/** Headless, without a sandbox (tests run as root in containers), and with no way to any other machine. */
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/** @param {import('./equipment.mjs').Workbench} workbench */
export function launchBrowser({ browser: { program, env } }) {
  return chromium.launch({ executablePath: program, args: flags, env: { ...definedOf(process.env), ...env } });
}

/** Waits until the workbench is painted. @param {import('playwright-core').Page} page */
export async function ready(page) {
  await page.locator('.monaco-workbench').waitFor({ timeout: readyLimitMs });
  await page.locator('.statusbar .statusbar-item').first().waitFor({ timeout: readyLimitMs });
}

/** Runs a command as a person does. @param {import('playwright-core').Page} page @param {string} label as the palette shows it */
export async function command(page, label) {
  await page.keyboard.press('F1');
  const input = page.locator('.quick-input-widget:visible input[type=text]');
  await input.waitFor();
  await input.fill(`>${label}`);
  await page.locator('.quick-input-widget .monaco-list-row.focused', { hasText: label }).waitFor();
  await page.keyboard.press('Enter');
}

/**
 * The document of a webview, which lies in a frame within a frame. The first one of a session takes 3–5 s to appear.
 * @param {import('playwright-core').Page} page
 * @param {number} [index] which, when several are in view
 */
export function webviewFrame(page, index = 0) {
  const relay = page.locator('iframe.webview.ready').nth(index).contentFrame();
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
