/** The page that a panel lives in: nothing is loaded from elsewhere, and only our own script runs. */
import { randomBytes } from 'node:crypto';
import { Uri, type Webview } from 'vscode';
import type { PanelState } from '../../webview/common/envelope.ts';

/** Folders below the extension's that a page may load from. */
export function pageRoots(extension: Uri): Uri[] {
  return [Uri.joinPath(extension, 'dist', 'webview'), Uri.joinPath(extension, 'media')];
}

/** @param title of the page, read out by screen readers */
export function pageOf(webview: Webview, extension: Uri, { kind, runId }: PanelState, title: string): string {
  const nonce = randomBytes(16).toString('base64');
  const script = webview.asWebviewUri(Uri.joinPath(extension, 'dist', 'webview', `${kind}.js`)).toString();
  const style = webview.asWebviewUri(Uri.joinPath(extension, 'media', 'panels.css')).toString();
  const policy = [
    "default-src 'none'",
    `style-src ${webview.cspSource}`,
    `script-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="${escaped(style)}">
</head>
<body>
<main id="root" data-kind="${kind}" data-run="${escaped(runId)}"><p role="status" class="loading">Loading…</p></main>
<script nonce="${nonce}" src="${escaped(script)}"></script>
</body>
</html>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
