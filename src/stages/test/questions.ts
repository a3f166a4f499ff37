/** What is left for the tester's agent in each mode, after rules have done what they can. */
import { z } from 'zod';
import type { StageContext } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { hashFiles, listFiles } from '../../workspace/files.ts';
import { readBrief } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { askedAgain } from '../generate/again.ts';
import { askedText } from '../generate/answers.ts';
import { differencesText, handWritten, namesOf } from '../hand-written.ts';
import {
  beyondItems,
  failedReport,
  failureGiven,
  findingWords,
  isAboutTests,
  personsWords,
  stableGiven,
  thisTime,
} from '../generate/known.ts';
import type { Asked, Question } from '../generate/sitting.ts';
import { restoreMissingTests } from './rules.ts';

/** Characters of the code's differences. */
const MAX_DIFF = 12_000;

/** `test-notes.json`: what the tester said of its last attempt. No verdict is made of it. */
export const TestNotes = z.object({
  schemaVersion: z.literal(1),
  attempt: z.number(),
  summary: z.string(),
  /** What it was asked and left open, and what it found besides: a test that is right though it fails. */
  unresolved: z.array(z.string()),
  /** Hash of the sources that the suite was last extended for. */
  extendedFor: z.string().nullable(),
});
export const TEST_NOTES = 'test-notes.json';

export function isTest(path: string): boolean {
  return path.startsWith('tests/');
}

async function sources(dir: string): Promise<string[]> {
  return (await listFiles(dir)).files.filter((path) => path.startsWith('src/'));
}

/** Hash of the sources as they are now. */
export async function sourcesHash({ connectorDir }: StageContext): Promise<string> {
  return hashFiles(connectorDir, await sources(connectorDir));
}

function askedAboutTests(context: StageContext): Asked[] {
  const words = personsWords(context);
  const findings = (context.feedback?.findings ?? []).filter(isAboutTests);
  return [
    ...findings.map((finding) => ({ id: finding.id, what: findingWords(finding) })),
    ...(words === undefined ? [] : [{ id: 'person', what: words }]),
  ];
}

/**
 * GENERATE: the compiled suite fits the compiled code. The agent is asked where code was written by hand since, and nobody
 * has extended the suite for it yet, or where somebody wants something.
 */
export async function generateQuestion(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
): Promise<Question | undefined> {
  await restoreMissingTests(d, context);
  const again = await askedAgain(context, () => Promise.resolve(environment), isTest);
  const asked = [...askedAboutTests(context), ...again.asked];
  const changed = await handWritten(d, context, (path) => path.startsWith('src/'));
  const notes = await context.readArtifact(TEST_NOTES, TestNotes);
  const done = changed.length === 0 || notes?.extendedFor === (await sourcesHash(context));
  if (asked.length === 0 && done) return undefined;
  const beyondText = beyondItems(await readBrief(context))
    .map((item) => `- ${item}`)
    .join('\n');
  const given = [
    ...(await stableGiven(d, context, 'beyond')),
    ...thisTime('What the blueprint could not say', beyondText),
    ...thisTime(
      'How the code differs from the compiled one',
      await differencesText(changed, MAX_DIFF, context, environment),
    ),
    ...thisTime('What is asked besides', askedText(asked)),
    ...again.given,
  ];
  return { asked, given, unresolved: [] };
}

/** FIX: tests that are missing are put back for nothing; else the agent sees what fails and what was found. */
export async function fixQuestion(
  d: StageDependencies,
  context: StageContext,
): Promise<Question | undefined> {
  const restored = await restoreMissingTests(d, context);
  const asked = askedAboutTests(context);
  if (personsWords(context) === undefined && restored.length > 0) return undefined;
  if (asked.length === 0 && (await failedReport(context)) === undefined) return undefined;
  const changed = await handWritten(d, context, isTest);
  const given = [
    ...(await stableGiven(d, context)),
    ...(await failureGiven(context)),
    ...thisTime('What is asked', askedText(asked)),
    ...thisTime('Not as compiled', namesOf(changed)),
  ];
  return { asked, given, unresolved: [] };
}
