import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchBrowser, ready, screenshot } from '../browser.mjs';
import { equipment, givenWorkbench } from '../equipment.mjs';
import { startServer, workbenchUrl, type ServerOptions } from '../server.mjs';

export interface Window {
  readonly page: Page;
  /** The folder that is open, empty unless `fill` put something there. */
  readonly workspace: string;
  /** Where the server keeps everything; its processes have it in their environment. */
  readonly serverFolder: string;
  /** Another window of the same server, on the same folder. */
  readonly openAnother: () => Promise<Page>;
  /** What the extension has complained of, in the page's console or in the log of its host. */
  readonly complaints: () => string[];
}

export interface WindowOptions extends Omit<ServerOptions, 'vsix' | 'installed'> {
  /** Puts files into the workspace before it is opened. */
  readonly fill?: (workspace: string) => unknown;
  /** One of the themes that come with VS Code. */
  readonly theme?: 'Dark Modern' | 'Light Modern' | 'Default High Contrast' | 'Default High Contrast Light';
}

const sizeOfWindow = { width: 1400, height: 900 };
const patienceMs = 30_000;

/**
 * A new workbench with the packaged extension and nothing else, for as long as `work` takes. When that fails, a picture
 * of the window is kept among the reports.
 */
export async function withWindow(
  name: string,
  work: (window: Window) => Promise<void>,
  { fill, theme = 'Dark Modern', settings = {}, ...options }: WindowOptions = {},
): Promise<void> {
  const { installed, reports } = equipment();
  const workbench = givenWorkbench();
  if (installed === undefined) throw new Error('There is no packaged extension to test.');
  const workspace = mkdtempSync(join(tmpdir(), 'srft-workspace-'));
  await fill?.(workspace);
  const server = await startServer(workbench, {
    ...options,
    settings: { 'workbench.colorTheme': theme, ...settings },
    // Windows are tested beside each other, and trainers that share cores are slower with a thread for each of them.
    env: { OMP_NUM_THREADS: '1', ...options.env },
    installed,
  });
  const browser = await launchBrowser(workbench);
  try {
    const inConsole: string[] = [];
    const openAnother = async (): Promise<Page> => {
      const page = await browser.newPage({ viewport: sizeOfWindow });
      page.setDefaultTimeout(patienceMs);
      page.on('console', (message) => {
        if (message.type() === 'error' && /srft/i.test(message.text())) inConsole.push(message.text());
      });
      page.on('pageerror', ({ stack = '' }) => {
        if (stack.includes('/dist/webview/')) inConsole.push(stack);
      });
      await page.goto(workbenchUrl(server, { folder: workspace }));
      await ready(page);
      return page;
    };
    const page = await openAnother();
    const complaints = (): string[] => [...inConsole, ...hostComplaints(server.folder)];
    try {
      await work({ page, workspace, serverFolder: server.folder, openAnother, complaints });
    } catch (error) {
      await screenshot(page, join(reports, 'ui', `${name}.png`));
      writeFileSync(join(reports, 'ui', `${name}.log`), outputOf(server.folder));
      throw error;
    }
  } finally {
    await browser.close();
    await server.stop();
    rmSync(workspace, { recursive: true, force: true });
  }
}

/** What the extension wrote to its output. */
function outputOf(folder: string): string {
  const logs = join(folder, 'user-data', 'logs');
  return readdirSync(logs, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('SRFT Studio.log'))
    .map((path) => readFileSync(join(logs, path), 'utf8'))
    .join('\n');
}

/** Errors in the extension host's logs that name the extension or something it contributes; folders' names are no sign. */
function hostComplaints(folder: string): string[] {
  const logs = join(folder, 'user-data', 'logs');
  return readdirSync(logs, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('remoteexthost.log'))
    .flatMap((path) => readFileSync(join(logs, path), 'utf8').split('\n'))
    .filter((line) => line.includes('[error]') && /srft(-studio)?\./.test(line));
}
