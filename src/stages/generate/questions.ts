/** What is left for the generator's agent in each mode, after rules have done what they can. */
import type { Finding, StageContext, StageOutcome } from '../../pipeline/contracts.ts';
import { connectorEnvironment, generatedFiles, readBrief } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { askedAgain } from './again.ts';
import { agentEdits, followEmission, standingEdits } from './agent-edits.ts';
import { askedText } from './answers.ts';
import { compileInto } from './compile.ts';
import { type Emission, restoreMissing } from './emit.ts';
import { handWritten, namesOf } from '../hand-written.ts';
import { applyAccepted, standingImprovements } from './improvements.ts';
import {
  beyondItems,
  failedReport,
  failureGiven,
  findingWords,
  isAboutTests,
  personsWords,
  stableGiven,
  thisTime,
} from './known.ts';
import type { Asked, Question } from './sitting.ts';

const MAX_EXCERPT_LINES = 3;

/** A question, or what is left open where nothing is to be asked. */
export type Step = Question | { readonly unresolved: readonly string[] };

const isSource = (path: string): boolean => path.startsWith('src/');

export function isCode(path: string): boolean {
  return !path.startsWith('tests/');
}

/** The person's words, as something that is asked. */
function askedByPerson(context: StageContext): Asked[] {
  const words = personsWords(context);
  return words === undefined ? [] : [{ id: 'person', what: words }];
}

/** Says whose edits stayed; only a person's need a person's eye. */
function tell(context: StageContext, emission: Emission, standing: ReadonlySet<string>): void {
  const say = (words: string, paths: readonly string[]): void => {
    if (paths.length > 0) context.progress(`${words}: ${paths.join(', ')}.`);
  };
  const byAgents = (path: string): boolean => standing.has(path);
  say(
    'Kept as you edited them',
    emission.kept.filter((path) => !byAgents(path)),
  );
  say('Kept as agents wrote them', emission.kept.filter(byAgents));
  say('Merged with edits', emission.merged);
  say(
    'Written anew over what agents had written',
    emission.replaced.map(({ path }) => path),
  );
}

/** GENERATE: compiled as by rules; asked is only what the blueprint can't say. */
export async function generateStep(
  d: StageDependencies,
  context: StageContext,
): Promise<Step | StageOutcome<'generate'>> {
  const standing = await standingEdits(context);
  const done = await compileInto(d, context, await agentEdits(context));
  if ('status' in done) return done;
  await followEmission(context, done.emission, standing);
  tell(context, done.emission, standing);
  const again = await askedAgain(context, () => connectorEnvironment(d, context), isCode);
  const beyond = beyondItems(await readBrief(context)).map((what, index) => ({
    id: `beyond-${index + 1}`,
    what,
  }));
  const asked = [...beyond, ...again.asked, ...askedByPerson(context)];
  if (asked.length === 0) return { unresolved: [] };
  const given = [
    ...(await stableGiven(d, context, 'beyond')),
    ...thisTime('What is asked', askedText(asked)),
    ...again.given,
    ...thisTime('Already written by hand', namesOf(await handWritten(d, context, isSource))),
  ];
  return { asked, given, unresolved: [] };
}

/** FIX: files that are missing are put back for nothing; else the agent sees what fails. */
export async function fixStep(d: StageDependencies, context: StageContext): Promise<Step> {
  const compiled = await generatedFiles(d, context);
  const restored = await restoreMissing(
    context.connectorDir,
    compiled.filter(({ path }) => isCode(path)),
  );
  const findings = (context.feedback?.findings ?? []).filter((finding) => !isAboutTests(finding));
  const asked = [
    ...findings.map((finding) => ({ id: finding.id, what: findingWords(finding) })),
    ...askedByPerson(context),
  ];
  if (restored.length > 0) {
    context.progress(`Restored missing files: ${restored.join(', ')}.`);
    if (asked.length === 0) return { unresolved: [] };
  }
  if (asked.length === 0 && (await failedReport(context)) === undefined) {
    return { unresolved: stillFailing(context) };
  }
  const improved = (await standingImprovements(context)).map(({ path }) => `- ${path}`).join('\n');
  const given = [
    ...(await stableGiven(d, context)),
    ...(await failureGiven(context)),
    ...thisTime('What is asked besides', askedText(asked)),
    ...thisTime('Changed by the improvements before this run of the tests', improved),
    ...thisTime('Written by hand', namesOf(await handWritten(d, context, isSource))),
  ];
  return { asked, given, unresolved: [] };
}

/** What a FIX that changed nothing leaves open. */
export function stillFailing({ feedback }: StageContext): string[] {
  const failing = feedback?.failingTests ?? [];
  return failing.length > 0 ? failing : [feedback?.text ?? 'the failing tests'];
}

function findingText(finding: Finding): string {
  const excerpt = finding.excerpt.split('\n').slice(0, MAX_EXCERPT_LINES).join('\n');
  const suggested = finding.suggestion === undefined ? '' : `\nSuggested: ${finding.suggestion.title}`;
  return `### ${finding.id}\n${findingWords(finding)}\n${excerpt}${suggested}`;
}

/** IMPROVE: exact suggestions are applied by rules; the agent answers the other findings and the person's words. */
export async function improveStep(d: StageDependencies, context: StageContext): Promise<Step> {
  const applied = await applyAccepted(context, await connectorEnvironment(d, context));
  const left = new Set(applied.unresolved);
  const open = (context.feedback?.findings ?? []).filter((finding) => left.has(finding.id));
  const locked = open.filter(isAboutTests);
  const findings = open.filter((finding) => !isAboutTests(finding));
  const unresolved = locked.map(
    (finding) =>
      `${finding.id}: ${findingWords(finding)} (about the tests, which are locked while the code is improved)`,
  );
  const words = askedByPerson(context);
  const asked = [...findings.map((finding) => ({ id: finding.id, what: findingWords(finding) })), ...words];
  if (asked.length === 0) return { unresolved };
  const given = [
    ...(await stableGiven(d, context)),
    ...thisTime('Findings to answer', findings.map(findingText).join('\n\n')),
    ...thisTime('What the person asks', askedText(words)),
    ...thisTime('Written by hand', namesOf(await handWritten(d, context, isSource))),
  ];
  return { asked, given, unresolved };
}
