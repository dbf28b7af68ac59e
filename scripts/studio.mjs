// npm run studio: VS Code in your browser, with the extension as it stands in this working tree and a recorded run.
// After a change: `npm run build -- --development`, then reload the page. Ctrl-C ends it and removes its folders.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { remoteUri, startServer, workbenchUrl } from '../test/workbench/server.mjs';
import { buildExtension } from './lib/extensionBundle.mjs';
import { root } from './lib/paths.mjs';
import { runMain } from './lib/run.mjs';
import { say, timed } from './lib/say.mjs';
import { ensureNodeModules } from './lib/setup.mjs';
import { ensureWorkbenchHost } from './lib/workbench.mjs';

await runMain(async () => {
  await ensureNodeModules();
  const host = await ensureWorkbenchHost();
  await timed('building the extension', () => buildExtension({ minify: false }));
  const workspace = mkdtempSync(join(tmpdir(), 'srft-studio-'));
  try {
    cpSync(join(root, 'test/fixtures/runs/rich'), join(workspace, 'runs', 'rich'), { recursive: true });
    const server = await startServer(host);
    console.log(
      workbenchUrl(server, { folder: workspace, payload: [['extensionDevelopmentPath', remoteUri(server, root)]] }),
    );
    say(`The workspace is ${workspace}. Ctrl-C ends it.`);
    await interrupted();
    await server.stop();
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
  return 0;
});

function interrupted() {
  return new Promise((resolve) => {
    // A signal's listener does not keep a process alive.
    const alive = setInterval(() => {}, 2 ** 30);
    for (const signal of ['SIGINT', 'SIGTERM']) {
      process.once(signal, () => {
        clearInterval(alive);
        resolve(undefined);
      });
    }
  });
}
