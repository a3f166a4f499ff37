/** What goes out, tried where nothing else lies: no secrets, no links to elsewhere, and its tests in a clean copy. */
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type StageContext, type StageOutcome, TestReport } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { DEFAULT_TEST_TIMEOUT_MS, runSuite } from '../../python/pytest.ts';
import type { KnownSecret } from '../../workspace/secrets.ts';
import { listFiles } from '../../workspace/files.ts';
import { generatedFiles } from '../connector.ts';
import { credentialsIn } from '../credentials.ts';
import type { StageDependencies } from '../dependencies.ts';
import { readCasesFor } from '../test-cases.ts';

export type Paused = Extract<StageOutcome<'publish'>, { status: 'paused' }>;

export function paused(message: string, cure: string): Paused {
  return { status: 'paused', cause: 'person', message, cure };
}

export async function copyFiles(from: string, to: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(join(from, path), join(to, path));
  }
}

/** What must not go out: secrets in the files, links to elsewhere. */
export async function refusal(
  d: Pick<StageDependencies, 'worker'>,
  context: StageContext,
  files: readonly string[],
  links: readonly string[],
  known: readonly KnownSecret[],
): Promise<Paused | undefined> {
  if (links.length > 0) {
    return paused(
      `The connector holds symbolic links, which are not published: ${links.slice(0, 5).join(', ')}.`,
      'Replace them by plain files or remove them, then resume.',
    );
  }
  const secrets = await credentialsIn(d, context, files, known);
  if (secrets.length === 0) return undefined;
  const shown = secrets.slice(0, 5).map((hit) => `${hit.file}:${hit.line} (${hit.kind})`);
  return paused(
    `Not published, as ${secrets.length === 1 ? 'one place looks like a real credential' : `${secrets.length} places look like real credentials`}: ${shown.join(', ')}.`,
    'Remove them (and revoke them, if they are real), then resume.',
  );
}

/** Runs the tests of a copy that holds nothing but the files that go out. */
export async function testCleanCopy(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
  copy: string,
): Promise<TestReport | Paused> {
  context.progress('Testing a clean copy of the files that go out.');
  const ran = await runSuite({
    connectorDir: copy,
    environment,
    runner: d.runner,
    title: `Tests of a clean copy of ${basename(context.connectorDir)}`,
    timeoutMs: d.testTimeoutMs ?? DEFAULT_TEST_TIMEOUT_MS,
    signal: context.signal,
    coverage: false,
    readCases: readCasesFor(d, context.signal),
  });
  // Coverage was measured by the stage test; it holds for the same code and tests.
  const tested = await context.readArtifact('test-report.json', TestReport);
  const same = tested?.codeSha256 === ran.codeSha256 && tested.testsSha256 === ran.testsSha256;
  const report = { ...ran, coverage: same ? tested.coverage : null };
  await context.writeArtifact('publish-test-report.json', report);
  if (report.verdict === 'passed') return report;
  const said = report.reason ?? `${report.failed + report.errors} of ${report.total} tests fail`;
  const missing = await missingFiles(d, context, copy);
  const gone =
    missing.length === 0 ? '' : ` Files of the connector are gone: ${missing.slice(0, 5).join(', ')}.`;
  return paused(
    `Not published: in a clean copy ${said}.${same ? '' : ' The connector has changed since it was tested.'}${gone}`,
    gone === ''
      ? 'See publish-test-report.json. Files that the tests need may lie outside of the connector; correct that, run the stage test, then resume.'
      : 'Put them back, restore a snapshot of the connector, or run the stage generate once more by hand; then resume.',
  );
}

/** Code and tests that were generated and are not there any more. */
async function missingFiles(d: StageDependencies, context: StageContext, copy: string): Promise<string[]> {
  const generated = await generatedFiles(d, context).catch(() => []);
  const there = new Set((await listFiles(copy)).files);
  return generated.map(({ path }) => path).filter((path) => /^(src|tests)\//.test(path) && !there.has(path));
}
