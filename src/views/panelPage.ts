import { randomBytes } from 'node:crypto';
import { Uri, type Webview } from 'vscode';

/** Pages there are, each a script and a style sheet of that name, and what they are called. */
const titles = {
  panel: 'SRFT Studio',
  group: 'Group',
  analyses: 'Analyses',
  playground: 'Playground',
  checkpoints: 'Checkpoints',
} as const;

/** A page of a webview. Nothing in it comes from a run; what the window must know after a reload stands in `state`. */
export function pageOf(webview: Webview, extension: Uri, page: keyof typeof titles, state: object): string {
  const nonce = randomBytes(16).toString('base64');
  const resource = (name: string): string =>
    webview.asWebviewUri(Uri.joinPath(extension, 'dist', 'webview', name)).toString();
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
    `img-src data: blob:`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<link rel="stylesheet" href="${resource(`${page}.css`)}">
<title>${titles[page]}</title>
</head>
<body data-host="${encodeURIComponent(JSON.stringify(state))}">
<div id="root"></div>
<script nonce="${nonce}" src="${resource(`${page}.js`)}"></script>
</body>
</html>`;
}

/** The run directories in what a webview kept, whatever it is. */
export function directoriesOf(state: unknown): readonly string[] {
  if (typeof state !== 'object' || state === null || !('host' in state)) return [];
  const { host } = state;
  if (typeof host !== 'object' || host === null || !('directories' in host) || !Array.isArray(host.directories))
    return [];
  return host.directories.filter((item: unknown) => typeof item === 'string');
}
