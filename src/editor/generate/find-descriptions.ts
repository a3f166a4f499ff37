import { open } from 'node:fs/promises';
import { workspace, type Uri } from 'vscode';

/** Files looked into at most, and bytes read of each: a look, not a parse. */
const MOST_FILES = 1500;
const LOOK_BYTES = 8192;
const NOT_IN = '{**/node_modules/**,**/.*/**,**/connectors/**,**/venv/**,**/dist/**,**/site-packages/**}';
const MARK = /(^|[\s{,])["']?(openapi|swagger)["']?\s*:\s*["']?[23](\.|["'\s])/;

/** Files of the workspace that begin like an OpenAPI description, reported as they are found. */
export async function findDescriptions(report: (file: Uri) => void, signal: AbortSignal): Promise<void> {
  const files = await workspace.findFiles('**/*.{yaml,yml,json}', NOT_IN, MOST_FILES);
  // Those named so come first; most workspaces have no other.
  const likely = /(openapi|swagger|api)/i;
  files.sort(
    (a, b) => Number(likely.test(b.path)) - Number(likely.test(a.path)) || a.path.localeCompare(b.path),
  );
  for (const file of files) {
    if (signal.aborted) return;
    if (file.scheme === 'file' && (await looksLikeDescription(file.fsPath))) report(file);
  }
}

async function looksLikeDescription(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(LOOK_BYTES), 0, LOOK_BYTES, 0);
      return MARK.test(buffer.toString('utf8', 0, bytesRead));
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}
