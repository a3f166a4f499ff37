/**
 * Publishing with a model that writes words: the title, a summary, what changed and what to know. What goes out, how it is
 * tested and packed, and all evidence beside the words are the same as without one.
 */
import { z } from 'zod';
import type { AgentPaused, AgentRuntime } from '../../agents/contracts.ts';
import { Roles } from '../../agents/policy/paths.ts';
import { fileTools } from '../../agents/tools/file-tools.ts';
import { type Stage, type StageContext, TestReport } from '../../pipeline/contracts.ts';
import { evidenceHashes } from '../../python/pytest.ts';
import { sha256 } from '../../workspace/files.ts';
import type { StageDependencies } from '../dependencies.ts';
import { projectVersion, type Release, runDate, sectionText, writeChangelog } from './changelog.ts';
import type { Paused } from './clean-copy.ts';
import { titlePrefix } from './description.ts';
import { publishConnector, type Wording } from './publish.ts';
import { publishGiven } from './question.ts';
import { PublicationWords, wordProblems } from './words.ts';

const MAX_TURNS = 10;

/** `publication-words.json`: asked for once for the same code, tests and evidence, also after a kill. */
const Kept = z.object({
  schemaVersion: z.literal(1),
  /** Hash of all that the words were made from. */
  inputs: z.string(),
  words: PublicationWords,
  /** What this run has written into the changelog, so that a person's edits of it are told apart. */
  sections: z.array(z.string()),
});
const FILE = 'publication-words.json';

/** The report of the stage *test*, while it still is about these files. */
async function currentReport(
  context: StageContext,
  hashes: { codeSha256: string; testsSha256: string },
): Promise<TestReport | undefined> {
  const report = await context.readArtifact('test-report.json', TestReport);
  const same = report?.codeSha256 === hashes.codeSha256 && report.testsSha256 === hashes.testsSha256;
  return same ? report : undefined;
}

async function describeRelease(context: StageContext): Promise<Release> {
  const tested = await context.readArtifact('test-report.json', TestReport);
  return {
    runId: context.runId,
    version: await projectVersion(context.connectorDir),
    date: runDate(context.runId, tested?.startedAt ?? new Date().toISOString()),
  };
}

async function askForWords(
  d: StageDependencies,
  runtime: AgentRuntime,
  context: StageContext,
  release: Release,
): Promise<{ words: PublicationWords; sections: readonly string[] } | AgentPaused> {
  const hashes = await evidenceHashes(context.connectorDir);
  const report = await currentReport(context, hashes);
  const given = await publishGiven(d, context, report, release);
  const inputs = sha256(JSON.stringify({ ...hashes, given }));
  const kept = await context.readArtifact(FILE, Kept);
  if (kept?.inputs === inputs) return kept;
  context.progress('Asking for the words of the publication.');
  const outcome = await runtime.run({
    context,
    stage: 'publish',
    prompt: 'publish',
    given,
    tools: fileTools({ root: context.connectorDir, role: Roles.none, kinds: ['read'] }),
    result: { name: 'publication', schema: PublicationWords },
    check: (words) => wordProblems(words, report, titlePrefix(context.draft)),
    maxTurns: MAX_TURNS,
  });
  if (outcome.status === 'paused') return outcome;
  const words = outcome.result;
  const sections = kept?.sections ?? [];
  await context.writeArtifact(FILE, { schemaVersion: 1, inputs, words, sections });
  return { words, sections };
}

/** Notes the section before it is written: after a kill between the two it is still known to be ours. */
async function rememberSection(context: StageContext, section: string): Promise<void> {
  const kept = await context.readArtifact(FILE, Kept);
  if (kept === undefined || kept.sections.includes(section)) return;
  await context.writeArtifact(FILE, { ...kept, sections: [...kept.sections, section] });
}

async function prepare(
  d: StageDependencies,
  runtime: AgentRuntime,
  context: StageContext,
): Promise<Wording | Paused> {
  const release = await describeRelease(context);
  const asked = await askForWords(d, runtime, context, release);
  if ('status' in asked) return asked;
  const section = sectionText(release, asked.words);
  await rememberSection(context, section);
  const notes = await writeChangelog(context.connectorDir, context.runId, section, asked.sections);
  return { words: asked.words, notes };
}

/** The stage *publish* of the engine `agents`. */
export function createAgentPublish(d: StageDependencies, runtime: AgentRuntime): Stage<'publish'> {
  return {
    name: 'publish',
    run: (context) => publishConnector(d, context, () => prepare(d, runtime, context)),
  };
}
