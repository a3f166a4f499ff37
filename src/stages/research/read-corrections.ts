/** Where the person's corrections come from: the file in the run's folder, and the words at the gate. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { SourcewrightError } from '../../errors.ts';
import type { StageContext } from '../../pipeline/contracts.ts';
import { AnswerDrafts, DRAFTS_FILE, openDrafts } from './answer-drafts.ts';
import { Corrections, CORRECTIONS_FILE, type Correction } from './corrections.ts';

export interface ReadCorrections {
  readonly list: readonly Correction[];
  /** Feedback that is no list of corrections. */
  readonly words: string | undefined;
}

/** Corrections from the file, then those that the feedback itself holds; these are added to the file for the next time. */
export async function readCorrections(
  context: Pick<StageContext, 'feedback' | 'readArtifact' | 'writeArtifact'>,
): Promise<ReadCorrections> {
  const stored = parseCorrections(await readCorrectionsFile(context), CORRECTIONS_FILE);
  const text = context.feedback?.text.trim() ?? '';
  if (text === '') return { list: stored, words: undefined };
  // A review's question may come from a model: only the person corrects.
  if (context.feedback?.from !== 'person') return { list: stored, words: text };
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return { list: stored, words: text };
  }
  const fresh = parseCorrections(Array.isArray(given) ? given : [given], 'your feedback');
  // After a kill this attempt may have written them already.
  const written = isDeepStrictEqual(stored.slice(-fresh.length), fresh);
  const list = written ? stored : [...stored, ...fresh];
  if (!written) await context.writeArtifact(CORRECTIONS_FILE, list);
  await clearDrafts(context, list);
  return { list, words: undefined };
}

/** Drafts that are corrections now are done with. What can't be read is left for the panel to tell. */
async function clearDrafts(
  context: Pick<StageContext, 'readArtifact' | 'writeArtifact'>,
  corrections: readonly Correction[],
): Promise<void> {
  const stored = await context.readArtifact(DRAFTS_FILE, AnswerDrafts).catch(() => undefined);
  if (stored === undefined) return;
  const drafts = openDrafts(stored.drafts, corrections);
  if (drafts.length < stored.drafts.length) await context.writeArtifact(DRAFTS_FILE, { ...stored, drafts });
}

async function readCorrectionsFile(context: Pick<StageContext, 'readArtifact'>): Promise<unknown> {
  try {
    return (await context.readArtifact(CORRECTIONS_FILE, z.unknown())) ?? [];
  } catch (error) {
    if (!(error instanceof SourcewrightError) || error.code !== 'corrupt') throw error;
    throw new SourcewrightError('input', 'The corrections are not valid JSON.', {
      where: CORRECTIONS_FILE,
      cure: "Mend the file in the run's folder, or delete it.",
      cause: error,
    });
  }
}

function parseCorrections(value: unknown, where: string): Correction[] {
  const parsed = Corrections.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SourcewrightError(
    'input',
    `The corrections have the wrong form: ${z.prettifyError(parsed.error).replace(/\s+/g, ' ')}`,
    {
      where,
      cure: 'Write a list of {"stream": …, "fact": …, "value": …}; the end of brief.md shows examples.',
    },
  );
}
