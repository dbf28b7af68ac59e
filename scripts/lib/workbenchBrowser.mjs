import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { capture, Failure } from './run.mjs';
import { timed } from './say.mjs';

/**
 * @typedef {{ program: string, env: Record<string, string> }} Browser the environment is set over the process's own
 */

const usualPlaces = {
  linux: [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome-stable',
    '/usr/bin/google-chrome',
    '/opt/google/chrome/chrome',
  ],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  win32: ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].map((name) =>
    join(process.env[name] ?? '', 'Google/Chrome/Application/chrome.exe'),
  ),
};

/** A Chrome or Chromium of this machine, or undefined. @returns {Browser | undefined} */
export function installedBrowser() {
  const named = process.env['CHROMIUM'];
  if (named && !existsSync(named)) throw new Failure(`CHROMIUM is '${named}', and there is no such file.`);
  const program = named || (usualPlaces[process.platform] ?? []).find((path) => existsSync(path));
  return program ? { program, env: {} } : undefined;
}

/** @param {string} folder where `inflateBrowser` puts it */
export function inflatedProgram(folder) {
  return join(folder, 'chromium');
}

/**
 * Unpacks the Chromium that comes as an npm package.
 * @param {string} folder emptied first
 * @param {string} workbench the folder whose node_modules has the package
 */
export async function inflateBrowser(folder, workbench) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Failure('No Chrome or Chromium was found; install one, or set CHROMIUM to its path.');
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await timed('unpacking a browser (Chromium; 200 MB on disk)', async () => {
    // The package unpacks into the temporary folder of its process, and nowhere else.
    const env = { ...process.env, TMPDIR: folder };
    const inflated = capture(process.execPath, [join(workbench, 'inflateBrowser.mjs')], { env });
    if (!inflated.ok) throw new Failure(`The browser could not be unpacked: ${inflated.stderr.trim()}`);
  });
  inflatedBrowser(folder);
}

/** The unpacked Chromium, with libraries and fonts of its package where the machine has none. @param {string} folder @returns {Browser} */
export function inflatedBrowser(folder) {
  const program = inflatedProgram(folder);
  const fonts = existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_PATH: join(folder, 'fonts') };
  const candidates = [fonts, { ...fonts, LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') }];
  const tried = candidates.map((env) => ({
    env,
    ...capture(program, ['--version'], { env: { ...process.env, ...env } }),
  }));
  const works = tried.find(({ ok }) => ok);
  if (works === undefined) {
    const reason = tried[0]?.stderr.trim() ?? '';
    throw new Failure(
      `The unpacked Chromium does not start: ${reason}\nInstall Chrome or Chromium, or set CHROMIUM to its path.`,
    );
  }
  return { program, env: works.env };
}
