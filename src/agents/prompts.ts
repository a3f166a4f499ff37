/** The agents' system prompts: files of their own, told apart by their hash in the transcript. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { sha256 } from '../store/files.ts';

export interface Prompt {
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

/** @throws SourcewrightError `internal` when the file was not packaged */
export async function readPrompt(folder: string, name: string): Promise<Prompt> {
  const path = join(folder, `${name}.md`);
  try {
    const text = (await readFile(path, 'utf8')).trim();
    return { name, text, sha256: sha256(text) };
  } catch (cause) {
    throw new SourcewrightError('internal', `The prompt "${name}" is missing from this installation.`, {
      where: path,
      cure: 'Install Sourcewright again.',
      cause,
    });
  }
}
