/**
 * Has the suite been bent? Compares the tests that ran with those that were compiled, and where an agent repaired them
 * also with those that stood there before: new skips, removed tests and asserts, edited fixtures, hooks that leave tests
 * out. A person may do any of this; it is shown, never hidden.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompiledFile } from '../../blueprint/compiler/compile.ts';
import type { Finding, StageContext } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { inspectSuite, type SuiteInspection } from '../../python/suite-inspection.ts';
import { hashFile, sha256, writeInside } from '../../workspace/files.ts';
import { generatedFiles, helperScript } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import type { FindingDraft } from '../findings.ts';

type InspectedFile = SuiteInspection['files'][number];

/** A suite that the one that ran is compared with. */
export interface EarlierSuite {
  /** Its files below `tests/`, with their paths in the connector. */
  readonly files: readonly CompiledFile[];
  /** Whether what differs was done by a fix: a fix may not edit fixtures. */
  readonly fixed: boolean;
  /** When it was so, as the end of a sentence: `when compiled`. */
  readonly when: string;
  /** What it calls its own parts: `compiled`. */
  readonly kind: string;
}

/** A finding in the making, with what it is about: the same loss seen against two suites is one finding. */
export interface Difference {
  readonly subject: string;
  readonly draft: FindingDraft;
}

export function difference(
  rule: string,
  severity: Finding['severity'],
  message: string,
  place: { readonly file: string; readonly line?: number; readonly end?: number; readonly about?: string },
): Difference {
  const { file, line = 1, end, about = '' } = place;
  const draft = { rule, source: 'integrity', severity, category: 'tests', message, file } as const;
  return {
    subject: `${rule}\0${file}\0${about}`,
    draft: { ...draft, startLine: line, ...(end === undefined ? {} : { endLine: end }) },
  };
}

/** Entries of `after` that `before` does not have as often. */
function added(
  before: readonly { what: string }[],
  after: readonly { what: string; line: number }[],
): typeof after {
  const left = new Map<string, number>();
  for (const { what } of before) left.set(what, (left.get(what) ?? 0) + 1);
  return after.filter(({ what }) => {
    const n = left.get(what) ?? 0;
    left.set(what, n - 1);
    return n <= 0;
  });
}

/** What keeps tests from running or from counting, and was not there before. */
function obstacles(file: string, before: InspectedFile | undefined, after: InspectedFile): Difference[] {
  const skips = added(before?.skips ?? [], after.skips).map(({ line, what }) =>
    difference('integrity-skip', 'error', `${what} keeps a test from counting.`, {
      file,
      line,
      about: `${line} ${what}`,
    }),
  );
  const hooks = added(before?.hooks ?? [], after.hooks).map(({ line, what }) =>
    difference('integrity-hook', 'error', `${what} can leave tests out or bend their outcome.`, {
      file,
      line,
      about: `${line} ${what}`,
    }),
  );
  return [...skips, ...hooks];
}

/** Tests that are gone or check less. */
function losses(
  file: string,
  before: InspectedFile,
  after: InspectedFile,
  earlier: EarlierSuite,
): Difference[] {
  const now = new Map(after.tests.map((test) => [test.name, test]));
  return before.tests.flatMap((test) => {
    const same = now.get(test.name);
    const about = test.name;
    if (same === undefined) {
      const message = `The ${earlier.kind} test ${test.name} is gone.`;
      return [difference('integrity-removed-test', 'error', message, { file, about })];
    }
    if (same.checks >= test.checks) return [];
    const message = `${test.name} had ${test.checks} checks ${earlier.when} and has ${same.checks} now.`;
    const place = { file, line: same.line, end: same.end, about };
    return [difference('integrity-removed-assert', 'error', message, place)];
  });
}

async function inspectEarlier(
  earlier: EarlierSuite,
  inspect: (dir: string) => Promise<SuiteInspection>,
): Promise<SuiteInspection> {
  const dir = await mkdtemp(join(tmpdir(), 'sourcewright-suite-'));
  try {
    for (const file of earlier.files) await writeInside(dir, file.path.slice('tests/'.length), file.content);
    return await inspect(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Files of the earlier suite that are gone, and fixtures that read otherwise. */
async function changedFiles(
  dir: string,
  earlier: EarlierSuite,
  edited: readonly CompiledFile[],
): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const { path: file } of edited) {
    if ((await hashFile(join(dir, file))) === undefined) {
      const message = `The ${earlier.kind} file ${file} is gone.`;
      differences.push(difference('integrity-removed-file', 'error', message, { file }));
    } else if (file.startsWith('tests/fixtures/')) {
      const message = earlier.fixed
        ? 'This fixture was edited to make tests pass.'
        : `This fixture differs from the ${earlier.kind} one.`;
      const severity = earlier.fixed ? 'error' : 'warning';
      differences.push(difference('integrity-edited-fixture', severity, message, { file }));
    }
  }
  return differences;
}

async function compare(
  dir: string,
  earlier: EarlierSuite,
  now: SuiteInspection,
  inspect: (dir: string) => Promise<SuiteInspection>,
): Promise<Difference[]> {
  const edited: CompiledFile[] = [];
  for (const file of earlier.files) {
    if ((await hashFile(join(dir, file.path))) !== sha256(file.content)) edited.push(file);
  }
  const before = edited.length === 0 ? now : await inspectEarlier(earlier, inspect);
  const paths = new Set(earlier.files.map((file) => file.path));
  const known = new Map(before.files.map((file) => [`tests/${file.path}`, file]));
  const differences = now.files.flatMap((after) => {
    const path = `tests/${after.path}`;
    const same = paths.has(path) ? known.get(path) : undefined;
    const lost = same === undefined || after.error !== null ? [] : losses(path, same, after, earlier);
    return [...obstacles(path, same, after), ...lost];
  });
  return [...differences, ...(await changedFiles(dir, earlier, edited))];
}

/**
 * The same loss once, at its greater severity. What a run itself shows of skips adds to what is read from the files, but
 * does not repeat it.
 */
function joined(read: readonly Difference[], seen: readonly Difference[]): FindingDraft[] {
  const skipping = new Set(
    read.filter(({ draft }) => draft.rule === 'integrity-skip').map(({ draft }) => draft.file),
  );
  const bySubject = new Map<string, FindingDraft>();
  const fresh = seen.filter(({ draft }) => draft.rule !== 'integrity-skip' || !skipping.has(draft.file));
  for (const { subject, draft } of [...read, ...fresh]) {
    const known = bySubject.get(subject);
    if (known === undefined || (known.severity !== 'error' && draft.severity === 'error')) {
      bySubject.set(subject, draft);
    }
  }
  return [...bySubject.values()];
}

/** With what, besides the compiled suite, the one that ran is compared. */
export interface Comparison {
  readonly earlier: readonly EarlierSuite[];
  /** What two runs of the suite show by themselves. */
  readonly seen: readonly Difference[];
}

/** What differs from the compiled suite, and from others that were there before. */
export async function suiteDifferences(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
  { earlier, seen }: Comparison = { earlier: [], seen: [] },
): Promise<FindingDraft[]> {
  const { connectorDir, signal } = context;
  const files = (await generatedFiles(d, context)).filter((file) => file.path.startsWith('tests/'));
  const compiled: EarlierSuite = { files, fixed: false, when: 'when compiled', kind: 'compiled' };
  const script = await helperScript('inspect_tests.py');
  const inspect = (testsDir: string): Promise<SuiteInspection> =>
    inspectSuite({ testsDir, script, environment, signal });
  const now = await inspect(join(connectorDir, 'tests'));
  const read: Difference[] = [];
  for (const suite of [compiled, ...earlier]) {
    read.push(...(await compare(connectorDir, suite, now, inspect)));
  }
  return joined(read, seen);
}
