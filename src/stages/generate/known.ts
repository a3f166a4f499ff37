/** What an agent is told before it begins: short, the same for the same state, as it can read the files itself. */
import type { Given } from '../../agents/contracts.ts';
import type { CompiledFile } from '../../blueprint/compiler/compile.ts';
import {
  type Brief,
  DiagnoseResult,
  type Finding,
  GenerateResult,
  type StageContext,
  type TestCase,
  TestReport,
} from '../../pipeline/contracts.ts';
import { generatedFiles, readBrief } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { failureWords, steadyText } from '../diagnose/steady.ts';
import { counted, failingCases } from '../failing-cases.ts';
import { blueprintSummary } from '../review/blueprint-summary.ts';

const MAX_FAILING = 15;
const MAX_NAMED = 30;
const MAX_EVIDENCE = 20;

/** First line of a module's docstring. */
function purpose({ content }: CompiledFile): string {
  return /^\s*"""\s*(.+?)\s*(?:"""|\n)/.exec(content)?.[1] ?? '';
}

/** The compiled files, each with what it is for; fixtures and schemas only in number. Empty modules are left out. */
function filesText(files: readonly CompiledFile[]): string {
  const below = (folder: string): CompiledFile[] => files.filter((file) => file.path.startsWith(folder));
  const fixtures = below('tests/fixtures/');
  const schemas = below('src/schemas/');
  const modules = files.filter((file) => file.path.endsWith('.py') && file.content.trim() !== '');
  const others = files.filter(
    (file) => !file.path.endsWith('.py') && !fixtures.includes(file) && !schemas.includes(file),
  );
  const lines = modules.map((file) => `- ${file.path}: ${purpose(file)}`);
  const rest = others.map((file) => file.path).join(', ');
  return [
    ...lines,
    `- src/schemas/: ${schemas.length} files, what the rows of each stream look like`,
    `- tests/fixtures/: ${fixtures.length} files, rows and answers of the mock`,
    `- ${rest}`,
  ].join('\n');
}

/**
 * What stays the same over all attempts of a run, as long as its brief does.
 * @param without what the conversation is asked word for word anyway
 */
export async function stableGiven(
  d: StageDependencies,
  context: StageContext,
  without?: 'beyond',
): Promise<Given[]> {
  const files = await generatedFiles(d, context);
  return [
    {
      title: 'The API and its connector',
      text: blueprintSummary(await readBrief(context), without),
      stable: true,
    },
    { title: 'The compiled files', text: filesText(files), stable: true },
  ];
}

/** A piece that belongs to this attempt; none where there is nothing to say. */
export function thisTime(title: string, text: string): Given[] {
  return text === '' ? [] : [{ title, text, stable: false }];
}

/** What the blueprint can't say, each with what it rests on. */
export function beyondItems(brief: Brief): string[] {
  return (brief.agent?.beyond ?? []).map(({ stream, what, url, quote }) => {
    const about = stream === null ? '' : `${stream}: `;
    return `${about}${what} (${url} says: "${quote}")`;
  });
}

/** The person's own words, or nothing: what other stages say is not an order. */
export function personsWords(context: StageContext): string | undefined {
  const { feedback } = context;
  return feedback?.from === 'person' && feedback.text.trim() !== '' ? feedback.text : undefined;
}

/** Whether a finding is about the suite, which only the tester may write. */
export function isAboutTests(finding: Finding): boolean {
  return finding.category === 'tests' || finding.range.file.startsWith('tests/');
}

/** A finding as something that is asked. */
export function findingWords(finding: Finding): string {
  const { range, rule, severity, message, said } = finding;
  const lines =
    range.endLine > range.startLine ? `${range.startLine}-${range.endLine}` : `${range.startLine}`;
  const words = (said ?? []).map((text) => `\nThe person who accepted it says: ${text}`).join('');
  return `${severity} ${rule} at ${range.file}:${lines}: ${message}${words}`;
}

/** A few tests instead of all: one of each message before a second of any. */
function chosen(cases: readonly TestCase[]): TestCase[] {
  const seen = new Map<string, number>();
  const ranked = cases.map((entry, index) => {
    const message = entry.message?.split('\n')[0] ?? '';
    const nth = seen.get(message) ?? 0;
    seen.set(message, nth + 1);
    return { entry, index, nth };
  });
  ranked.sort((a, b) => a.nth - b.nth || a.index - b.index);
  return ranked.slice(0, MAX_FAILING).map(({ entry }) => entry);
}

function caseText(entry: TestCase, dir: string): string {
  const { message, details } = failureWords(entry, dir);
  const words = [message, details].filter((text) => text !== '');
  return [`### ${entry.id} (${entry.outcome})`, ...words].join('\n');
}

function failingText(report: TestReport, dir: string): string {
  if (report.verdict === 'unusable') return `The run gave no usable result: ${report.reason ?? 'unknown'}.`;
  const cases = failingCases(report);
  const { what, of } = counted(report);
  const shown = chosen(cases);
  const ids = new Set(shown.map((entry) => entry.id));
  const rest = [...new Set(cases.map((entry) => entry.id))].filter((id) => !ids.has(id));
  const named = rest.slice(0, MAX_NAMED).map((id) => `- ${id}`);
  if (rest.length > named.length) named.push(`- … and ${rest.length - named.length} more`);
  return [
    `${cases.length} of ${of} ${what} fail.`,
    ...shown.map((entry) => caseText(entry, dir)),
    ...(named.length === 0 ? [] : [`Failing as well:\n${named.join('\n')}`]),
  ].join('\n\n');
}

/** What the diagnosis said, with its evidence. */
async function diagnosisText(context: StageContext): Promise<string | undefined> {
  const diagnosis = await context.readArtifact('diagnosis.json', DiagnoseResult);
  const words = context.feedback?.from === 'diagnose' ? context.feedback.text : diagnosis?.explanation;
  if (words === undefined) return undefined;
  const evidence = (diagnosis?.evidence ?? [])
    .slice(0, MAX_EVIDENCE)
    .map(({ test, fault, because }) => `- ${test}: ${fault}, ${because}`);
  return steadyText([words, ...evidence].join('\n'), context.connectorDir);
}

/** Our own checks of the code that are not content. */
async function checksText(context: StageContext): Promise<string | undefined> {
  const generation = await context.readArtifact('generation.json', GenerateResult);
  const failed = (generation?.checks ?? []).filter((check) => !check.passed);
  if (failed.length === 0) return undefined;
  return failed
    .map(({ name, output }) => `### ${name}\n${steadyText(output, context.connectorDir)}`)
    .join('\n\n');
}

/** The report of the last test run, if it did not pass. */
export async function failedReport(context: StageContext): Promise<TestReport | undefined> {
  const report = await context.readArtifact('test-report.json', TestReport);
  return report === undefined || report.verdict === 'passed' ? undefined : report;
}

/** What failed, and what is thought of it. */
export async function failureGiven(context: StageContext): Promise<Given[]> {
  const report = await failedReport(context);
  if (report === undefined) return [];
  const pieces: [string, string | undefined][] = [
    ['The diagnosis', await diagnosisText(context)],
    ['Failing tests', failingText(report, context.connectorDir)],
    ['What our checks of the code say', await checksText(context)],
  ];
  return pieces.flatMap(([title, text = '']) => thisTime(title, text));
}
