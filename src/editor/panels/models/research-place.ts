/** From a place that the brief names to a line of a file. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { SourcewrightError } from '../../../errors.ts';
import { isUrl } from '../../../openapi/load.ts';
import type { Brief, RunView } from '../../../pipeline/contracts.ts';
import { lineOfPointer } from './pointer-line.ts';
import { readBrief } from './research-brief.ts';

/** Larger files open at their top: to find a place takes seconds in which the editor's extensions stand still. */
const LARGEST = 12 * 1024 * 1024;

export interface Place {
  /** Absolute path. */
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  /** Why the file opens at its top; null where the line is that of the place. */
  readonly note: string | null;
}

/**
 * @param document as the brief names it; null = the description itself
 * Throws `input` for a document that the brief does not name, or that is no file here.
 */
export async function placeInDescription(
  view: RunView,
  document: string | null,
  pointer: string,
): Promise<Place> {
  const brief = await readBrief(view.runDir);
  if (brief === undefined) throw new SourcewrightError('input', 'There is no brief yet.');
  const path = pathOf(brief, view.workspace, document);
  const size = await stat(path).then(
    (file) => file.size,
    (cause: unknown) => {
      throw new SourcewrightError('input', 'The description is no longer where it was read.', {
        where: path,
        cause,
      });
    },
  );
  if (size > LARGEST) return { path, line: 1, note: `The file is too large to look for ${pointer} in it.` };
  const line = lineOfPointer(await readFile(path, 'utf8'), pointer);
  return line === undefined
    ? { path, line: 1, note: `${pointer} was not found in the file as it is now.` }
    : { path, line, note: null };
}

/** Only what the brief itself names is opened. */
function pathOf({ blueprint }: Brief, workspace: string, document: string | null): string {
  const { location } = blueprint.source;
  const main = isAbsolute(location) ? location : resolve(workspace, location);
  if (document === null || document === location) {
    if (!isUrl(location)) return main;
  } else {
    const named =
      blueprint.facts.some(({ evidence }) => evidence.some((one) => one.document === document)) ||
      blueprint.problems.some((one) => one.document === document);
    if (named && !isUrl(document) && !isUrl(location)) return resolve(dirname(main), document);
  }
  throw new SourcewrightError('input', 'This place is not in a file here.', {
    where: document ?? location,
  });
}
