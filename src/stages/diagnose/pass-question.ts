/** What the model is asked about tests that pass: whether they are worth anything. The verdict stays ours. */
import { z } from 'zod';
import type { Given } from '../../agents/contracts.ts';
import type { Finding, StageContext, TestReport } from '../../pipeline/contracts.ts';
import type { SuiteInspection } from '../../python/suite-inspection.ts';
import { scanText } from '../../workspace/secrets.ts';
import { readBrief } from '../connector.ts';
import { finishFindings, type FindingDraft } from '../findings.ts';
import { blueprintSummary, listed } from '../review/blueprint-summary.ts';
import { overlaps, TextFiles } from '../text-files.ts';
import { WeakTest } from './memory.ts';

const MAX_FINDINGS = 15;
/** Characters of the list of tests; beyond, files as compiled are only counted. */
const MAX_LIST = 12_000;

export const WeakTests = z.strictObject({ findings: z.array(WeakTest) });
export type WeakTests = z.infer<typeof WeakTests>;

type SuiteFile = SuiteInspection['files'][number];

/** A suite that passed, with what rules make of it. */
export interface Pass {
  readonly report: TestReport;
  readonly suite: SuiteInspection;
  /** Of the rules: tests that can't fail, signs that the suite was bent. */
  readonly found: readonly Finding[];
  /** Paths of tests that are exactly as they were compiled. */
  readonly asCompiled: ReadonlySet<string>;
}

function sum(file: SuiteFile): string {
  const checks = file.tests.reduce((total, test) => total + test.checks, 0);
  return `${file.tests.length} tests, ${checks} checks`;
}

function named(file: SuiteFile, withLines: boolean): string {
  return file.tests
    .map((test) => `${test.name}${withLines ? `:${test.line}` : ''} ${test.checks}`)
    .join(', ');
}

/** A line for each file; the names of what was compiled go first where the list gets long. */
function suiteText({ suite, asCompiled }: Pass): string {
  const files = suite.files.filter((file) => file.tests.length > 0);
  const isCompiled = (file: SuiteFile): boolean => asCompiled.has(`tests/${file.path}`);
  const lines = (namesOfCompiled: boolean): string =>
    files
      .map((file) => {
        const compiled = isCompiled(file);
        const names = !compiled || namesOfCompiled ? `: ${named(file, !compiled)}` : '';
        return `- tests/${file.path} (${compiled ? 'as compiled' : 'written or changed'}; ${sum(file)})${names}`;
      })
      .join('\n');
  const all = lines(true);
  const shown = all.length <= MAX_LIST ? all : lines(false);
  return shown.length <= MAX_LIST ? shown : `${shown.slice(0, MAX_LIST)}\n… (cut: read the files)`;
}

function runText({ report }: Pass): string {
  const { passed, total, skipped, coverage } = report;
  // In whole percents: a line more or less, as the clock has it, must not make a recorded conversation another one.
  const covered =
    coverage === null ? 'Coverage was not measured.' : `${Math.round(coverage)}% of the lines of src/ ran.`;
  return `${passed} of ${total} tests passed, ${skipped} skipped. ${covered}`;
}

export async function passGiven(context: StageContext, pass: Pass): Promise<Given[]> {
  const known = pass.found.map(({ range, message }) => `${range.file}:${range.startLine}: ${message}`);
  return [
    { title: 'The API and its connector', text: blueprintSummary(await readBrief(context)), stable: true },
    { title: 'The run', text: runText(pass), stable: false },
    {
      title: 'The tests (name, line where it was not compiled, number of checks)',
      text: suiteText(pass),
      stable: false,
    },
    {
      title: 'Known already, not to be repeated',
      text: known.length === 0 ? 'Nothing.' : listed(known, 30).join('\n'),
      stable: false,
    },
  ];
}

/** Why findings about tests can't be used. */
export async function checkWeakTests({ findings }: WeakTests, dir: string): Promise<string[]> {
  const tests = await TextFiles.read(dir, (path) => path.startsWith('tests/'));
  const problems = findings.flatMap((finding) => tests.wrongPlace(finding) ?? []);
  if (findings.length > MAX_FINDINGS) {
    problems.push(`${findings.length} findings are too many: keep the ${MAX_FINDINGS} that matter most.`);
  }
  if (scanText('', findings.map((finding) => finding.message).join('\n')).length > 0) {
    problems.push('a message holds what looks like a credential: describe it instead.');
  }
  return problems;
}

/** Findings of the model as findings of the diagnosis, without those about lines that rules report. */
export async function weakTestFindings(
  dir: string,
  weak: readonly WeakTest[],
  found: readonly Finding[],
): Promise<Finding[]> {
  const drafts = weak
    .filter((one) => !found.some((finding) => overlaps(finding.range, one)))
    .map((one): FindingDraft => ({
      rule: 'agent-weak-test',
      source: 'model',
      category: 'tests',
      ...one,
      message: one.message.replace(/\s+/g, ' ').trim(),
    }));
  return finishFindings(dir, drafts);
}
