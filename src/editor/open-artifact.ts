import { commands, Uri, window, workspace } from 'vscode';

/** Opens a file that a run left: notes as rendered Markdown, all else as text in a preview tab. */
export async function openArtifact(path: string): Promise<void> {
  const uri = Uri.file(path);
  if (path.endsWith('.md')) {
    await commands.executeCommand('markdown.showPreview', uri);
    return;
  }
  const document = await workspace.openTextDocument(uri);
  await window.showTextDocument(document, { preview: true });
}
