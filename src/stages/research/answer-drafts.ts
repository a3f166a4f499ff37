/**
 * What a person has answered to a brief and not yet given: drafts in the run's folder. They survive reloads and kills, and
 * are done with once the research has taken them over as corrections.
 */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { FactName } from '../../blueprint/schema.ts';
import { nodeFiles } from '../../store/files.ts';
import type { Correction } from './corrections.ts';

export const DRAFTS_FILE = 'research-answers.json';

export const AnswerDraft = z.object({
  /** As in `Correction`. */
  stream: z.string().nullable(),
  fact: FactName,
  kind: z.enum(['confirm', 'correct', 'strike']),
  /** What stands in the inputs, by their names; also while it can't be used yet. Only of a correction. */
  fields: z.record(z.string(), z.string()).default({}),
  /** The value in the blueprint's own form; absent while the inputs give none. */
  value: z.unknown().optional(),
});
export type AnswerDraft = z.infer<typeof AnswerDraft>;

/** `research-answers.json`. */
export const AnswerDrafts = z.object({
  schemaVersion: z.literal(1),
  drafts: z.array(AnswerDraft),
  /** Words for a request for changes, as far as they are written. */
  words: z.string().default(''),
});
export type AnswerDrafts = z.infer<typeof AnswerDrafts>;

export const NO_DRAFTS: AnswerDrafts = { schemaVersion: 1, drafts: [], words: '' };

/** One draft for each: a new answer about the same takes the place of the one before. */
export function isAbout(
  one: Pick<AnswerDraft, 'stream' | 'fact'>,
  other: Pick<AnswerDraft, 'stream' | 'fact'>,
): boolean {
  return one.stream === other.stream && one.fact === other.fact;
}

/** The drafts that are not given yet: those for which the newest correction about the same says something else. */
export function openDrafts(
  drafts: readonly AnswerDraft[],
  corrections: readonly Correction[],
): AnswerDraft[] {
  return drafts.filter((draft) => {
    const given = corrections.findLast((correction) => isAbout(correction, draft));
    return given === undefined || draft.value === undefined || !isDeepStrictEqual(given.value, draft.value);
  });
}

export interface ReadDrafts {
  readonly drafts: AnswerDrafts;
  /** Why the file is of no use, in words; null where it is fine or not there. */
  readonly damage: string | null;
}

/** Reads the drafts of a run. A damaged file is told, never thrown: the brief can be read without it. */
export async function readDrafts(runDir: string): Promise<ReadDrafts> {
  const bytes = await nodeFiles.read(join(runDir, DRAFTS_FILE));
  if (bytes === undefined) return { drafts: NO_DRAFTS, damage: null };
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { drafts: NO_DRAFTS, damage: `${DRAFTS_FILE} is not valid JSON.` };
  }
  const parsed = AnswerDrafts.safeParse(content);
  if (parsed.success) return { drafts: parsed.data, damage: null };
  const why = z.prettifyError(parsed.error).replace(/\s+/g, ' ').slice(0, 300);
  return { drafts: NO_DRAFTS, damage: `${DRAFTS_FILE} has the wrong form: ${why}` };
}

const writing = new Map<string, Promise<unknown>>();

/**
 * Changes the drafts of a run, one change after the other, each on the disk when this returns. A damaged file is put aside
 * as `research-answers.json.damaged`. Throws `environment` where nothing can be written.
 */
export function changeDrafts(
  runDir: string,
  change: (drafts: AnswerDrafts) => AnswerDrafts,
): Promise<AnswerDrafts> {
  const before = writing.get(runDir) ?? Promise.resolve();
  const turn = before.then(async () => {
    const path = join(runDir, DRAFTS_FILE);
    const { drafts, damage } = await readDrafts(runDir);
    if (damage !== null) await rename(path, `${path}.damaged`);
    const changed = change(drafts);
    if (!isDeepStrictEqual(changed, drafts)) {
      await nodeFiles.writeAtomic(path, `${JSON.stringify(changed, null, 2)}\n`);
    }
    return changed;
  });
  // A change that failed is told to whoever asked for it; the next one goes on.
  const settled = turn.catch(() => undefined);
  writing.set(runDir, settled);
  void settled.then(() => {
    if (writing.get(runDir) === settled) writing.delete(runDir);
  });
  return turn;
}
