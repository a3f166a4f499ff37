/** The evidence that a model writes a publication's words from. */
import type { Given } from '../../agents/contracts.ts';
import { Review, type StageContext, type TestReport } from '../../pipeline/contracts.ts';
import { generatedFiles, readBrief } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { blueprintSummary, listed } from '../review/blueprint-summary.ts';
import { handWritten, nameOf } from '../hand-written.ts';
import { openFindings } from '../review/ledger.ts';
import { answerOf } from '../review/verdict.ts';
import { CHANGELOG, earlierReleases, type Release } from './changelog.ts';
import { STATISTICS } from './statistics.ts';
import { titlePrefix } from './description.ts';
import { MAX_TITLE } from './words.ts';

const MAX_LISTED = 20;

function testText(report: TestReport | undefined): string {
  if (report === undefined) {
    return 'The connector has changed since its tests ran. They run once more before it goes out; name no numbers of tests.';
  }
  const { total, passed, failed, errors, skipped, coverage } = report;
  const covered = coverage === null ? 'coverage not measured' : `${coverage}% of the lines covered`;
  return `${total} tests: ${passed} passed, ${failed + errors} failed, ${skipped} skipped; ${covered}.`;
}

async function reviewText(context: StageContext): Promise<string> {
  const review = await context.readArtifact('review.json', Review);
  if (review === undefined) return 'No review was made.';
  const open = new Set(openFindings(review));
  const words = (finding: Review['findings'][number]): string =>
    `${finding.severity} ${finding.category} in ${finding.range.file}: ${finding.message.slice(0, 200)}`;
  const rejected = new Set(
    review.answers.filter((entry) => entry.answer === 'rejected').map((entry) => entry.finding),
  );
  return [
    `${review.cycle} reviews; ${open.size} findings are open.`,
    ...listed(review.findings.filter(({ id }) => open.has(id)).map(words), MAX_LISTED),
    ...(rejected.size === 0 ? [] : ['Looked at and rejected by a person:']),
    ...listed(
      review.findings
        .filter(({ id }) => rejected.has(id))
        .map((finding) => `${words(finding)} (${answerOf(review, finding)})`),
      MAX_LISTED,
    ),
  ].join('\n');
}

/** Headings of earlier publications: the section that a changelog is compiled with is none. */
async function publishedBefore(d: StageDependencies, context: StageContext): Promise<string[]> {
  const compiled = (await generatedFiles(d, context)).find(({ path }) => path === CHANGELOG)?.content ?? '';
  const lines = new Set(compiled.split('\n'));
  const headings = await earlierReleases(context.connectorDir, context.runId);
  return headings.filter((heading) => !lines.has(`## ${heading}`));
}

async function releaseText(
  d: StageDependencies,
  context: StageContext,
  { version }: Release,
): Promise<string> {
  const earlier = await publishedBefore(d, context);
  const prefix = titlePrefix(context.draft);
  return [
    `Version ${version}. ${earlier.length === 0 ? 'Published for the first time.' : `Published before: ${earlier.slice(0, 3).join('; ')}.`}`,
    context.draft
      ? `A draft: its findings are open, and the notes must say so. "${prefix}" is put before the title, which has at most ${MAX_TITLE - prefix.length} characters.`
      : 'Not a draft.',
  ].join('\n');
}

export async function publishGiven(
  d: StageDependencies,
  context: StageContext,
  report: TestReport | undefined,
  release: Release,
): Promise<Given[]> {
  const byHand = (await handWritten(d, context, (path) => path !== CHANGELOG && path !== STATISTICS)).map(
    nameOf,
  );
  const feedback = context.feedback?.text;
  return [
    { title: 'The API and its connector', text: blueprintSummary(await readBrief(context)), stable: true },
    { title: 'The publication', text: await releaseText(d, context, release), stable: false },
    { title: 'Tests', text: testText(report), stable: false },
    {
      title: 'Not as compiled from the template',
      text: byHand.length === 0 ? 'Nothing.' : listed(byHand, 40).join('\n'),
      stable: false,
    },
    { title: 'Review', text: await reviewText(context), stable: false },
    ...(feedback === undefined ? [] : [{ title: 'What the person said', text: feedback, stable: false }]),
  ];
}
