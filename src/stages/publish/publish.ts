/**
 * Publishing: the tests once more in a clean copy of exactly the files that go out, packages, a branch with a commit,
 * and a pull request where GitHub and a login are there. The same for rules and agents but for the words.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  type Publication,
  Review,
  type StageContext,
  type StageOutcome,
  type TestReport,
} from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { evidenceHashes, RESULTS_FILE } from '../../python/pytest.ts';
import { checkConnectorFolder, listFiles, writeInside } from '../../workspace/files.ts';
import { connectorEnvironment, helperScript, readBriefPart } from '../connector.ts';
import { knownSecrets } from '../credentials.ts';
import type { StageDependencies } from '../dependencies.ts';
import { openFindings } from '../review/ledger.ts';
import { resultsFile, toTestResult } from '../test/rules.ts';
import { copyFiles, type Paused, paused, refusal, testCleanCopy } from './clean-copy.ts';
import type { PublicationFacts } from './description.ts';
import { toGit } from './outward.ts';
import { buildPackages } from './packages.ts';
import { CHANGELOG } from './changelog.ts';
import { connectorLicence, dependencyLicences } from './licences.ts';
import { PLAN_FILE, PLAN_PAGE, PublicationPlan, writePlan } from './plan.ts';
import { keepProvenance, type Provenance, PROVENANCE, writeProvenance } from './provenance.ts';
import { STATISTICS, writeStatistics } from './statistics.ts';
import { type PublicationWords, wrongNumbers } from './words.ts';

/** Words of a model's, and what the person should know about them. */
export interface Wording {
  readonly words: PublicationWords;
  readonly notes: readonly string[];
}

/** Gets the words, and writes those that belong into the connector, before it is copied, tested and packed. */
export type Prepare = () => Promise<Wording | Paused>;

/** Words that name other numbers than the tests of the clean copy are not published. */
function contradiction(words: PublicationWords | undefined, report: TestReport): Paused | undefined {
  const wrong = words === undefined ? [] : wrongNumbers(words, report);
  if (wrong.length === 0) return undefined;
  return paused(
    `Not published: the words do not agree with the tests of the clean copy: ${wrong.join(' ')}`,
    'Run the stage test again, then resume: the words are then written anew.',
  );
}

async function pack(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
  { copy, scratch }: { readonly copy: string; readonly scratch: string },
): Promise<{ wheel: string; sdist: string }> {
  context.progress('Building wheel and sdist.');
  const empty = join(scratch, 'wheel');
  await mkdir(empty);
  return buildPackages({
    copy,
    output: join(context.runDir, 'packages'),
    environment,
    buildScript: await helperScript('build_packages.py'),
    runScript: await helperScript('run_wheel.py'),
    scratch: empty,
    signal: context.signal,
  });
}

/** What was tested must be what goes out. */
async function moved(context: StageContext, report: TestReport): Promise<Paused | undefined> {
  const hashes = await evidenceHashes(context.connectorDir);
  const same = hashes.codeSha256 === report.codeSha256 && hashes.testsSha256 === report.testsSha256;
  if (same) return undefined;
  return paused(
    'Not published: files of the connector changed while it was being tested for publication.',
    'Let them rest, then resume.',
  );
}

async function toFacts(
  d: Pick<StageDependencies, 'worker'>,
  context: StageContext,
  report: TestReport,
  words: PublicationWords | undefined,
): Promise<PublicationFacts> {
  const review = await context.readArtifact('review.json', Review);
  return {
    name: basename(context.connectorDir).replace(/^source-/, ''),
    brief: await readBriefPart(d, context, 'publication'),
    report,
    review,
    openFindings: review === undefined ? [] : openFindings(review),
    draft: context.draft,
    runId: context.runId,
    words,
  };
}

/** What to know of files that are one where a disk does not tell their names apart: letters' case, or how accents are written. */
function alike(files: readonly string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const key = file.normalize('NFC').toLowerCase();
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return [...groups.values()]
    .filter(({ length }) => length > 1)
    .map(
      (names) =>
        `Only one of these is kept where a disk takes their names for the same (Windows, macOS): ${names.join(', ')}.`,
    );
}

/** Files that publishing writes itself. */
const OWN_FILES: ReadonlySet<string> = new Set([RESULTS_FILE, STATISTICS, PROVENANCE, CHANGELOG]);

/** A file that was not on the list which the gate showed does not go out before it was on one. */
async function unlisted(
  d: StageDependencies,
  context: StageContext,
  files: readonly string[],
): Promise<Paused | undefined> {
  const shown = await context.readArtifact(PLAN_FILE, PublicationPlan);
  if (shown === undefined) return undefined;
  const known = new Set(shown.files.map(({ path }) => path));
  const added = files.filter((path) => !known.has(path) && !OWN_FILES.has(path));
  if (added.length === 0) return undefined;
  await writePlan(d, context);
  const names = `${added.slice(0, 5).join(', ')}${added.length > 5 ? ` and ${added.length - 5} more` : ''}`;
  return paused(
    `Not published yet: files came into the connector’s folder after the list of what goes out was shown: ${names}.`,
    `Look at ${PLAN_PAGE}, which now lists them. Remove what is not to go out, then resume.`,
  );
}

async function recordProvenance(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
  { brief, report, openFindings: open }: PublicationFacts,
  files: readonly string[],
): Promise<Provenance> {
  const dir = context.connectorDir;
  const script = await helperScript('dependency_licences.py');
  const dependencies = await dependencyLicences(environment, script, dir, context.signal);
  const licence = await connectorLicence((path) => readFile(join(dir, path), 'utf8').catch(() => undefined));
  return writeProvenance(context, { brief, report, openFindings: open, licence, dependencies }, files);
}

async function publish(
  d: StageDependencies,
  context: StageContext,
  scratch: string,
  prepare: Prepare | undefined,
): Promise<StageOutcome<'publish'>> {
  const known = await knownSecrets(d, context);
  const found = await listFiles(context.connectorDir);
  const held =
    (await refusal(d, context, found.files, found.links, known)) ?? (await unlisted(d, context, found.files));
  if (held !== undefined) return held;
  const wording = await prepare?.();
  if (wording !== undefined && 'status' in wording) return wording;
  const notes: string[] = [...(wording?.notes ?? [])];
  // Once more: preparing may have written a file.
  const listed = await listFiles(context.connectorDir);
  if (listed.hidden.length > 0) notes.push(`Left out as private: ${listed.hidden.join(', ')}.`);
  notes.push(...alike(listed.files));

  const copy = join(scratch, basename(context.connectorDir));
  await copyFiles(context.connectorDir, copy, listed.files);
  const environment = await connectorEnvironment(d, context);
  const report = await testCleanCopy(d, context, environment, copy);
  if ('status' in report) return report;
  const contradicted = contradiction(wording?.words, report);
  if (contradicted !== undefined) return contradicted;
  const packages = await pack(d, context, environment, { copy, scratch });
  const changed = await moved(context, report);
  if (changed !== undefined) return changed;

  await writeInside(context.connectorDir, RESULTS_FILE, resultsFile(report));
  const facts = await toFacts(d, context, report, wording?.words);
  const statistics = await writeStatistics(context, report, listed.files);
  const files = [...new Set([...listed.files, RESULTS_FILE, ...statistics, PROVENANCE])].sort();
  const provenance = await recordProvenance(d, context, environment, facts, files);
  const written = await refusal(d, context, [RESULTS_FILE, ...statistics, PROVENANCE], [], known);
  if (written !== undefined) return written;
  const bytes = provenance.files.reduce((sum, file) => sum + file.bytes, 0);
  context.progress(`${files.length} files, ${Math.ceil(bytes / 1024)} kB, go out: listed in ${PROVENANCE}.`);
  const git = await toGit(d, context, facts, files, notes, known);
  const result: Publication = {
    schemaVersion: 1,
    draft: context.draft,
    ...packages,
    ...git,
    tests: toTestResult(report),
    openFindings: [...facts.openFindings],
    notes,
    at: new Date().toISOString(),
  };
  await context.writeArtifact('publication.json', result);
  await keepProvenance(context, provenance, result);
  context.progress(git.branch === null ? 'Packaged.' : `Packaged and committed to ${git.branch}.`);
  return { status: 'done', result };
}

/**
 * The whole of the stage.
 * @param prepare asked for words once it is sure that nothing must be kept back; absent = made of evidence alone
 */
export async function publishConnector(
  d: StageDependencies,
  context: StageContext,
  prepare?: Prepare,
): Promise<StageOutcome<'publish'>> {
  await checkConnectorFolder(context.request.outDir, context.connectorDir);
  const scratch = await mkdtemp(join(tmpdir(), 'sourcewright-publish-'));
  try {
    return await publish(d, context, scratch, prepare);
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
