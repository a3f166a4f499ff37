/** JSON files of a run: read through their schema, written in one form. */
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import type { Files } from '../store/files.ts';

/** Reads a JSON file of a run through its schema; undefined when there is none. Throws `corrupt` on a mismatch. */
export async function readJson<T>(files: Files, path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const content = await files.read(path);
  if (content === undefined) return undefined;
  const corrupt = (why: string): SourcewrightError =>
    new SourcewrightError('corrupt', `A file of the run is not what it should be: ${why}`, {
      where: path,
      cure: 'If you edited it, correct it there; otherwise run its stage once more by hand. Then resume.',
    });
  let json: unknown;
  try {
    json = JSON.parse(content.toString('utf8'));
  } catch (error) {
    throw corrupt(error instanceof Error ? error.message : String(error));
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw corrupt(z.prettifyError(parsed.error));
  return parsed.data;
}

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
