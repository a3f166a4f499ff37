/** Reads what a person named: an API description by rules, or a blueprint that was written by hand. */
import { readFile, stat } from 'node:fs/promises';
import type { Blueprint } from '../../blueprint/schema.ts';
import { isUrl, normalizeLocation } from '../../openapi/load.ts';
import { parseText } from '../../openapi/parse.ts';
import { researchDescription, type ResearchDescriptionOptions } from '../../openapi/research.ts';
import { decodeText } from '../../openapi/text.ts';
import { sha256 } from '../../workspace/files.ts';
import { handWrittenBlueprint } from './hand-written/blueprint.ts';
import { isHandWritten, parseHandWritten } from './hand-written/parse.ts';

/** Nobody writes more by hand. */
const LARGEST_HAND_WRITTEN = 2 * 1024 * 1024;
/** A key `blueprint` at the top, in JSON or YAML: only such files are parsed to see. */
const LOOKS_HAND_WRITTEN = /^blueprint\s*:|^\s*\{?\s*"blueprint"\s*:/m;

/**
 * Throws what `researchDescription` throws, and `input` for a hand-written blueprint with a mistake in it. Only files are
 * read as such: what a server says about an API is a description.
 */
export async function readSource(
  location: string,
  options: ResearchDescriptionOptions = {},
): Promise<Blueprint> {
  const path = normalizeLocation(location);
  return (
    (isUrl(path) ? undefined : await handWritten(path, options)) ?? researchDescription(location, options)
  );
}

async function handWritten(
  path: string,
  options: ResearchDescriptionOptions,
): Promise<Blueprint | undefined> {
  // What can't be read is explained by the reader of descriptions.
  const status = await stat(path).catch(() => undefined);
  if (status?.isFile() !== true || status.size > LARGEST_HAND_WRITTEN) return undefined;
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined || !LOOKS_HAND_WRITTEN.test(bytes.toString('utf8'))) return undefined;
  const { value } = parseText(decodeText(bytes, path).text, path, bytes.length);
  if (!isHandWritten(value)) return undefined;
  const source = { location: path, sha256: sha256(bytes), bytes: bytes.length };
  return handWrittenBlueprint(parseHandWritten(value, path), source, options);
}
