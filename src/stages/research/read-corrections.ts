/** Where the person's corrections come from: the file in the run's folder, and the words at the gate. */
import { z } from 'zod';
import { SourcewrightError } from '../../errors.ts';
import type { StageContext } from '../../pipeline/contracts.ts';
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
  const list = [...stored, ...parseCorrections(Array.isArray(given) ? given : [given], 'your feedback')];
  await context.writeArtifact(CORRECTIONS_FILE, list);
  return { list, words: undefined };
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
