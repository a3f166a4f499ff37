/** The artifacts that programs read, as Markdown for people. Pure: text in, text out; no text of others becomes markup. */
import type { Conformance, FailedCheck } from '../../conformance/contracts.ts';
import {
  type Isolation,
  DiagnoseResult,
  type Mutation,
  Publication,
  Review,
  TestReport,
  type Finding,
  type StaticCheck,
  type TestCase,
} from '../../pipeline/contracts.ts';
import { isolationWords } from '../../python/isolation/words.ts';
import { code, plain, table } from '../../stages/research/markdown.ts';

const RENDERERS: Readonly<Record<string, (content: unknown) => string[]>> = {
  'test-report.json': (content) => testReport(TestReport.parse(content)),
  'diagnosis.json': (content) => diagnosis(DiagnoseResult.parse(content)),
  'review.json': (content) => review(Review.parse(content)),
  'publication.json': (content) => publication(Publication.parse(content)),
};
const DETAILS_LIMIT = 8192;
const IDLE_SHOWN = 20;

/** `json` of the artifact `name` as Markdown. Says so in the text itself where it can't be read. */
export function renderReport(name: string, json: string): string {
  const render = RENDERERS[name];
  try {
    if (render === undefined) throw new Error('There is no report of this kind.');
    return `${render(JSON.parse(json)).join('\n').trim()}\n`;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `# ${plain(name)}\n\nThis file can't be read: ${plain(why)}\n\nOpen it as JSON to see what it holds.\n`;
  }
}

function testReport(report: TestReport): string[] {
  const lines = [
    `# Tests: ${report.verdict}`,
    '',
    ...(report.reason === undefined ? [] : [plain(report.reason), '']),
    ...table(
      ['total', 'passed', 'failed', 'errors', 'skipped', 'coverage', 'exit code', 'time'],
      [
        [
          ...[report.total, report.passed, report.failed, report.errors, report.skipped].map(String),
          report.coverage === null ? '' : `${report.coverage.toFixed(1)} %`,
          report.timedOut ? 'ended at the time limit' : String(report.exitCode ?? 'none'),
          seconds(report.durationMs),
        ],
      ],
    ),
  ];
  const bad = report.cases.filter(({ outcome }) => outcome === 'failed' || outcome === 'error');
  if (bad.length > 0) lines.push('## What failed', '', ...bad.flatMap(failedCase));
  lines.push(...findings('Integrity', report.integrity));
  if (report.conformance !== undefined) lines.push(...conformanceChecks(report.conformance));
  if (report.mutation !== undefined) lines.push(...plantedMistakes(report.mutation));
  lines.push('## All tests', '');
  lines.push(
    ...table(
      ['test', 'outcome', 'time'],
      report.cases.map((test) => [code(test.id), test.outcome, seconds(test.durationMs)]),
    ),
  );
  lines.push(`Ran ${code(report.command.join(' '), 600)} with Python ${plain(report.python)}.`);
  if (report.isolation !== undefined) lines.push('', ...confinement(report.isolation));
  return lines;
}

/** How it was confined, and what that does not give. */
function confinement(isolation: Isolation): string[] {
  const { lacks } = isolation;
  const without = lacks.length === 0 ? '' : ` It does not give all: ${plain(lacks.join('; '), 600)}.`;
  return [`It ran ${plain(isolationWords(isolation), 600)}.${without}`];
}

function conformanceChecks(conformance: Conformance): string[] {
  const { note, passed, failed, notApplicable, broken, failures, advice } = conformance;
  return [
    '## Conformance suite',
    '',
    ...(note === null ? [] : [`${plain(note, 600)}.`, '']),
    ...table(
      ['passed', 'failed', 'not applicable', 'could not be run', 'time'],
      [[...[passed, failed, notApplicable, broken].map(String), `${conformance.seconds.toFixed(1)} s`]],
    ),
    ...failures.flatMap((check) => failedCheck('###', check)),
    ...(advice.length === 0
      ? []
      : [
          '### Advice on the agent face',
          '',
          'No reason to fail: the connector works, but a language model is guided less well than it could be.',
          '',
          ...advice.flatMap((check) => failedCheck('####', check)),
        ]),
  ];
}

function failedCheck(level: string, { id, title, problems }: FailedCheck): string[] {
  return [
    `${level} ${code(id)}`,
    '',
    plain(title, 600),
    '',
    ...table(
      ['what was seen', 'where'],
      problems.map(({ message, file, line }) => [
        plain(message, 600),
        file === null ? '' : code(line === null ? file : `${file}:${line}`),
      ]),
    ),
  ];
}

function plantedMistakes(mutation: Mutation): string[] {
  const { note, candidates, limit, killed, survived, timedOut, notRun, killRate, idleTests } = mutation;
  const unnoticed = mutation.mutants.filter(({ outcome }) => outcome === 'survived');
  const idle = `${idleTests.length} tests met some of these mistakes and noticed none. With so few mistakes that says little of each: ${idleTests
    .slice(0, IDLE_SHOWN)
    .map((id) => code(id))
    .join(', ')}${idleTests.length > IDLE_SHOWN ? ' …' : ''}.`;
  return [
    '## Planted mistakes',
    '',
    ...(note === null ? [] : [`${plain(note, 600)}.`, '']),
    `A sample of at most ${limit} of ${candidates} places on lines that tests run.`,
    '',
    ...table(
      ['kill rate', 'killed', 'survived', 'ended at the time limit', 'not run'],
      [
        [
          killRate === null ? '' : `${killRate.toFixed(1)} %`,
          ...[killed, survived, timedOut, notRun].map(String),
        ],
      ],
    ),
    ...(unnoticed.length === 0 ? [] : ['### Noticed by no test', '']),
    ...table(
      ['where', 'mistake', 'the code', 'with the mistake', 'written by hand'],
      unnoticed.map(({ file, line, operator, before, after, handWritten }) => [
        code(`${file}:${line}`),
        operator,
        code(before, 200),
        code(after, 200),
        handWritten ? 'yes' : 'no',
      ]),
    ),
    ...(idleTests.length === 0 ? [] : [idle, '']),
  ];
}

function failedCase(test: TestCase): string[] {
  return [
    `### ${code(test.id)}`,
    '',
    ...(test.message === undefined ? [] : [plain(test.message, 600), '']),
    ...(test.details === undefined ? [] : block(test.details)),
  ];
}

function diagnosis(result: DiagnoseResult): string[] {
  return [
    `# Diagnosis: ${result.verdict}`,
    '',
    plain(result.explanation, 2000),
    '',
    ...(result.cure === undefined ? [] : [`What to do: ${plain(result.cure, 1000)}`, '']),
    ...table(
      ['test', 'at fault', 'because'],
      result.evidence.map(({ test, fault, because }) => [code(test), fault, plain(because, 600)]),
    ),
    ...findings('Tests that can not fail', result.vacuous),
  ];
}

function review(ledger: Review): string[] {
  const answers = new Map(ledger.answers.map((answer) => [answer.finding, answer]));
  const rows = ledger.findings.map((finding) => {
    const answer = answers.get(finding.id);
    const said = answer === undefined ? (finding.severity === 'info' ? 'note' : 'open') : answer.answer;
    return [
      ...findingCells(finding),
      answer?.reason === undefined ? said : `${said}: ${plain(answer.reason)}`,
    ];
  });
  const open = ledger.findings.filter(({ id, severity }) => severity !== 'info' && !answers.has(id)).length;
  return [
    `# Review: ${ledger.decision.replaceAll('_', ' ')}`,
    '',
    `${ledger.findings.length} findings, ${open} without an answer that want one; review ${ledger.cycle}.`,
    '',
    ...table(['severity', 'where', 'what', 'rule', 'answer'], rows),
    '## Tools',
    '',
    ...toolTable(ledger.tools),
    ...ledger.tools
      .filter(({ passed, output }) => !passed && output.trim() !== '')
      .flatMap((tool) => [`### ${tool.name}`, '', ...block(tool.output)]),
  ];
}

function publication(result: Publication): string[] {
  const { tests } = result;
  const facts: [string, string | null][] = [
    ['branch', result.branch],
    ['commit', result.commit],
    ['pull request', result.prUrl],
    ['wheel', result.wheel],
    ['sdist', result.sdist],
  ];
  return [
    `# ${result.draft ? 'Published as a draft' : 'Published'}`,
    '',
    ...table(
      ['what', 'where'],
      facts.map(([what, where]) => [what, where === null ? '' : code(where, 600)]),
    ),
    `Tests of the clean copy: ${tests.verdict}, ${tests.passed} of ${tests.total} passed.`,
    '',
    ...(result.openFindings.length === 0
      ? []
      : ['## Open findings', '', ...result.openFindings.map((finding) => `- ${plain(finding)}`), '']),
    ...(result.notes.length === 0
      ? []
      : ['## Notes', '', ...result.notes.map((note) => `- ${plain(note, 600)}`)]),
  ];
}

function findings(title: string, found: readonly Finding[]): string[] {
  if (found.length === 0) return [];
  return [`## ${title}`, '', ...table(['severity', 'where', 'what', 'rule'], found.map(findingCells))];
}

function findingCells({ severity, range, message, source, rule }: Finding): string[] {
  return [severity, code(`${range.file}:${range.startLine}`), plain(message, 600), code(`${source} ${rule}`)];
}

function toolTable(tools: readonly StaticCheck[]): string[] {
  return table(
    ['tool', 'outcome', 'exit code', 'time'],
    tools.map((tool) => [
      tool.name,
      tool.passed ? 'passed' : 'found something',
      String(tool.exitCode ?? 'none'),
      seconds(tool.durationMs),
    ]),
  );
}

/** Text of several lines as a block whose fence is longer than any in it. */
function block(text: string): string[] {
  const cut = text.slice(0, DETAILS_LIMIT).replace(/\r/g, '').trimEnd();
  const longest = Math.max(2, ...[...cut.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}text`, cut, fence, ''];
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
