/**
 * `STATISTICS.md` of the connector: what the tests showed, how large it is, what it cost. Every number is counted from the
 * files that go out, from the test report or from the run's usage; what was not measured is said to be so. The same
 * evidence gives the same bytes, so that publishing once more commits nothing.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Conformance } from '../../conformance/contracts.ts';
import { type Mutation, type StageContext, TestReport, Usage } from '../../pipeline/contracts.ts';
import { nodeFiles } from '../../store/files.ts';
import { writeInside } from '../../workspace/files.ts';

export const STATISTICS = 'STATISTICS.md';
const NOT_MEASURED = 'not measured';

/** `usage.json` of a run, as far as it is needed here. */
const UsageFile = z.object({
  attempts: z.array(z.object({ stage: z.string(), usage: Usage })),
});

/** Files and lines of one kind. */
export interface Size {
  readonly files: number;
  readonly lines: number;
}

export interface Sizes {
  readonly code: Size;
  readonly tests: Size;
}

/** What was used before publishing, by stage; undefined where the run has no record of it. */
export type Spent = ReadonlyMap<string, Usage> | undefined;

export interface Evidence {
  readonly sizes: Sizes;
  /** Of the clean copy: exactly what goes out. */
  readonly report: TestReport;
  /** Of the stage test, if it ran the same code and tests: it has times, planted mistakes and conformance. */
  readonly tested: TestReport | undefined;
  readonly spent: Spent;
}

function sum(usages: readonly Usage[], field: 'usd' | 'inputTokens' | 'outputTokens' | 'requests'): number {
  return usages.reduce((total, usage) => total + usage[field], 0);
}

function dollars(usd: number): string {
  return `$${usd.toFixed(2)}`;
}

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function noticed(mutation: Mutation | undefined): string {
  if (mutation?.killRate === undefined || mutation.killRate === null) return NOT_MEASURED;
  const found = mutation.killed + mutation.timedOut;
  const left = mutation.notRun === 0 ? '' : `; ${mutation.notRun} not tried for lack of time`;
  return `${mutation.killRate}% (${found} of ${found + mutation.survived}, a sample of ${mutation.candidates} places${left})`;
}

function conforms(conformance: Conformance | undefined): string {
  if (conformance === undefined || conformance.passed + conformance.failed === 0) return NOT_MEASURED;
  const { passed, failed, notApplicable, broken } = conformance;
  const unsaid = broken === 0 ? '' : `, ${broken} could not be run`;
  return `${passed} of ${passed + failed} passed, ${notApplicable} do not apply${unsaid}`;
}

function outcome({ total, passed, failed, errors, skipped }: TestReport): string {
  return `${passed} of ${total} passed, ${failed} failed, ${errors} errors, ${skipped} skipped`;
}

function costRows(spent: Spent): string[] {
  if (spent === undefined) return [row('Cost of the run before publishing', NOT_MEASURED)];
  const all = [...spent.values()];
  const tokens = `${sum(all, 'inputTokens')} tokens in, ${sum(all, 'outputTokens')} out`;
  const requests = `${sum(all, 'requests')} requests to a model`;
  return [row('Cost of the run before publishing', `${dollars(sum(all, 'usd'))} (${requests}, ${tokens})`)];
}

function stageTable(spent: Spent): string[] {
  const stages = [...(spent ?? [])].filter(([, usage]) => usage.requests > 0 || usage.usd > 0);
  if (stages.length === 0) return [];
  return [
    '',
    row('Stage', 'Requests', 'Tokens in', 'Tokens out', 'Cost'),
    row('---', '---:', '---:', '---:', '---:'),
    ...stages.map(([stage, usage]) =>
      row(stage, usage.requests, usage.inputTokens, usage.outputTokens, dollars(usage.usd)),
    ),
  ];
}

/** The file's text. */
export function statisticsText({ sizes, report, tested, spent }: Evidence): string {
  const seconds = tested === undefined ? NOT_MEASURED : `${(tested.durationMs / 1000).toFixed(1)} s`;
  const size = ({ files, lines }: Size): string => `${lines} lines in ${files} files`;
  return `${[
    '# Statistics',
    '',
    'Counted when this version was published, from its files, its test report and the record of the run.',
    '',
    row('What', 'Value'),
    row('---', '---'),
    row('Code (`src/`, Python)', size(sizes.code)),
    row('Tests (`tests/`, Python)', size(sizes.tests)),
    row('Tests, run in a clean copy', outcome(report)),
    row('Lines of `src/` that tests run', report.coverage === null ? NOT_MEASURED : `${report.coverage}%`),
    row('Checks of the conformance suite', conforms(tested?.conformance)),
    row('Planted mistakes that tests notice', noticed(tested?.mutation)),
    row('Time of the tests', seconds),
    ...costRows(spent),
    row('Code', `sha256 \`${report.codeSha256}\``),
    row('Tests', `sha256 \`${report.testsSha256}\``),
    ...stageTable(spent),
  ].join('\n')}\n`;
}

async function sizeOf(dir: string, paths: readonly string[]): Promise<Size> {
  let lines = 0;
  for (const path of paths) {
    const text = await readFile(join(dir, path), 'utf8');
    lines += text.split('\n').length - (text === '' || text.endsWith('\n') ? 1 : 0);
  }
  return { files: paths.length, lines };
}

/** Files and lines of the Python that goes out. `files`: relative to `dir`, with forward slashes. */
export async function sizesOf(dir: string, files: readonly string[]): Promise<Sizes> {
  const below = (folder: string): string[] =>
    files.filter((path) => path.startsWith(`${folder}/`) && path.endsWith('.py'));
  return { code: await sizeOf(dir, below('src')), tests: await sizeOf(dir, below('tests')) };
}

/** What publishing itself costs is left out: it differs from try to try, and is not over yet. */
async function spentBefore(context: StageContext): Promise<Spent> {
  // The run's own file: no artifact of a stage.
  const recorded = await nodeFiles.read(join(context.runDir, 'usage.json'));
  if (recorded === undefined) return undefined;
  const { attempts } = UsageFile.parse(JSON.parse(recorded.toString('utf8')));
  const byStage = new Map<string, Usage>();
  for (const { stage, usage } of attempts) {
    if (stage === 'publish') continue;
    const before = byStage.get(stage);
    byStage.set(stage, before === undefined ? usage : added(before, usage));
  }
  return byStage;
}

function added(a: Usage, b: Usage): Usage {
  return {
    usd: a.usd + b.usd,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    requests: a.requests + b.requests,
  };
}

/**
 * Writes the file, if the stage test ran what goes out, or if a file of an earlier version would be wrong now.
 * @param report of the clean copy
 * @param files that go out
 * @returns the paths written, relative to the connector's folder
 * @throws SourcewrightError `environment` when the file can't be written
 */
export async function writeStatistics(
  context: StageContext,
  report: TestReport,
  files: readonly string[],
): Promise<string[]> {
  const newest = await context.readArtifact('test-report.json', TestReport);
  const same = newest?.codeSha256 === report.codeSha256 && newest.testsSha256 === report.testsSha256;
  if (!same && !files.includes(STATISTICS)) return [];
  const text = statisticsText({
    sizes: await sizesOf(context.connectorDir, files),
    report,
    tested: same ? newest : undefined,
    spent: await spentBefore(context),
  });
  await writeInside(context.connectorDir, STATISTICS, text);
  return [STATISTICS];
}
