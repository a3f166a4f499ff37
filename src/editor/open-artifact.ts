import { commands, Uri, window, workspace } from 'vscode';
import { isReport, reportUri } from './reports/report-documents.ts';

/** Opens a file that a run left: notes and reports as rendered Markdown, all else as text in a preview tab. */
export async function openArtifact(path: string): Promise<void> {
  if (path.endsWith('.md')) {
    await commands.executeCommand('markdown.showPreview', Uri.file(path));
    return;
  }
  if (isReport(path)) {
    await commands.executeCommand('markdown.showPreview', reportUri(path));
    return;
  }
  await openAsText(path);
}

/** Opens the file itself, as it was written. */
export async function openAsText(path: string): Promise<void> {
  const uri = Uri.file(path);
  const document = await workspace.openTextDocument(uri);
  await window.showTextDocument(document, { preview: true });
}
