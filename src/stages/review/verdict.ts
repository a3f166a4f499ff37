/** What the reviewer may answer, and why an answer can't be used. */
import { z } from 'zod';
import { Finding, type Review, Severity } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { runTool } from '../../python/tools.ts';
import { scanText } from '../../workspace/secrets.ts';
import type { FindingDraft } from '../findings.ts';
import { overlaps, type TextFiles } from '../text-files.ts';

const MAX_FINDINGS = 20;

const ReviewerFinding = z.strictObject({
  file: z.string(),
  startLine: z.number().int().min(1),
  endLine: z.number().int().min(1),
  severity: Severity,
  category: Finding.shape.category,
  message: z.string().min(1).max(600),
  /** Exactly what the lines say. */
  before: z.string(),
  /** What they should say instead; null where no edit of these lines alone is the answer. */
  after: z.string().nullable(),
});
export type ReviewerFinding = z.infer<typeof ReviewerFinding>;

export const ReviewerVerdict = z.strictObject({
  decision: z.enum(['approve', 'needs_work', 'needs_research']),
  /** For `needs_research`: what must be known about the API. */
  question: z.string().max(500).nullable(),
  findings: z.array(ReviewerFinding),
});
export type ReviewerVerdict = z.infer<typeof ReviewerVerdict>;

/** Lines as a model may write them: the last break may or may not be there. */
function withoutBreak(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/\n$/, '');
}

/** The lines that a suggestion puts in, each with its break; none is a deletion. */
function replacement(after: string): string {
  return after === '' ? '' : `${withoutBreak(after)}\n`;
}

function decisionProblems({ decision, question, findings }: ReviewerVerdict): string[] {
  const has = (...severities: Severity[]): boolean =>
    findings.some((finding) => severities.includes(finding.severity));
  const problems: string[] = [];
  if (findings.length > MAX_FINDINGS) {
    problems.push(`${findings.length} findings are too many: keep the ${MAX_FINDINGS} that matter most.`);
  }
  if (decision === 'needs_research' && (question ?? '').trim() === '') {
    problems.push('needs_research needs a question: what must be found out about the API.');
  }
  if (decision === 'needs_work' && !has('error', 'warning')) {
    problems.push('needs_work needs at least one finding of severity error or warning.');
  }
  if (decision === 'approve' && has('error')) {
    problems.push('approve can’t stand beside a finding of severity error.');
  }
  if (scanText('', question ?? '').length > 0) {
    problems.push('question holds what looks like a credential: describe it instead.');
  }
  return problems;
}

function findingProblems(finding: ReviewerFinding, files: TextFiles): string[] {
  const wrong = files.wrongPlace(finding);
  if (wrong !== undefined) return [wrong];
  const where = `${finding.file}:${finding.startLine}-${finding.endLine}`;
  const problems: string[] = [];
  // Nobody is shown a credential, so nobody can quote it; rules report such lines.
  const stands = files.at(finding);
  if (!files.holdsSecret(finding) && withoutBreak(finding.before) !== stands) {
    const start = files.find(finding.file, withoutBreak(finding.before));
    const elsewhere = start === undefined ? '' : ` (before stands at line ${start})`;
    problems.push(`${where}: before is not what stands there${elsewhere}. These lines read:\n${stands}`);
  }
  if (finding.after !== null && withoutBreak(finding.after) === stands && finding.after !== '') {
    problems.push(`${where}: after is the same as before; give null where you have no other text.`);
  }
  if (scanText('', `${finding.message}\n${finding.after ?? ''}`).length > 0) {
    problems.push(`${where}: message or after holds what looks like a credential: describe it instead.`);
  }
  return problems;
}

/** Compiles texts without running them; those that did not parse before either are let off. */
const PARSE = `
import json, sys, warnings
warnings.simplefilter("ignore")
def problem(name, text):
    try:
        compile(text, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return f"{getattr(error, 'msg', error)} (line {getattr(error, 'lineno', '?')})"
    return None
found = []
for item in json.load(sys.stdin):
    said = problem(item["file"], item["after"])
    found.append(said if said is not None and problem(item["file"], item["before"]) is None else None)
json.dump(found, sys.stdout)
`;

/** The whole file as it would be with the suggestion taken. */
function applied(text: string, { startLine, endLine, after }: ReviewerFinding): string {
  const lines = text.split(/\r?\n/);
  const put = replacement(after ?? '');
  lines.splice(startLine - 1, endLine - startLine + 1, ...(put === '' ? [] : withoutBreak(put).split('\n')));
  return lines.join('\n');
}

/** Suggestions after which a Python file no longer parses. */
async function parseProblems(
  findings: readonly ReviewerFinding[],
  files: TextFiles,
  environment: PythonEnvironment,
  signal: AbortSignal,
): Promise<string[]> {
  const edits = findings.flatMap((finding) => {
    const before = files.text(finding.file);
    if (finding.after === null || before === undefined || !finding.file.endsWith('.py')) return [];
    return [{ finding, file: finding.file, before, after: applied(before, finding) }];
  });
  if (edits.length === 0) return [];
  const input = JSON.stringify(edits.map(({ file, before, after }) => ({ file, before, after })));
  const args = ['-I', '-c', PARSE];
  const result = await runTool({ environment, cwd: environment.dir, args, input, signal });
  const said = z.array(z.string().nullable()).parse(JSON.parse(result.stdout));
  return edits.flatMap(({ finding }, index) => {
    const problem = said[index] ?? null;
    if (problem === null) return [];
    return [`${finding.file}:${finding.startLine}: with after in place the file does not parse: ${problem}.`];
  });
}

/** Why a verdict can't be used. Empty = it can. */
export async function checkReview(
  verdict: ReviewerVerdict,
  files: TextFiles,
  environment: PythonEnvironment,
  signal: AbortSignal,
): Promise<string[]> {
  const problems = [
    ...decisionProblems(verdict),
    ...verdict.findings.flatMap((finding) => findingProblems(finding, files)),
  ];
  // Edits at wrong places need not be tried.
  return problems.length > 0 ? problems : parseProblems(verdict.findings, files, environment, signal);
}

/** Whether rules say something of the same kind about the same lines. */
function isRepeated(finding: ReviewerFinding, known: readonly FindingDraft[]): boolean {
  return known.some(
    (draft) =>
      draft.category === finding.category &&
      overlaps(finding, { ...draft, endLine: draft.endLine ?? draft.startLine }),
  );
}

/** The model's findings as our own; what rules report already, and what would show a credential, is left out. */
export function toDrafts(
  findings: readonly ReviewerFinding[],
  known: readonly FindingDraft[],
  files: TextFiles,
): FindingDraft[] {
  return findings
    .filter((finding) => !isRepeated(finding, known) && !files.holdsSecret(finding))
    .map(({ file, startLine, endLine, severity, category, message, before, after }): FindingDraft => {
      const suggestion = {
        range: { file, startLine, endLine },
        before: `${withoutBreak(before)}\n`,
        after: replacement(after ?? ''),
        title: 'Change these lines as the reviewer suggests',
      };
      return {
        rule: `agent-${category}`,
        source: 'model',
        severity,
        category,
        message: message.replace(/\s+/g, ' ').trim(),
        file,
        startLine,
        endLine,
        ...(after === null ? {} : { suggestion }),
      };
    });
}

/** What became of a finding of an earlier review, in a word. */
export function answerOf(review: Review, finding: Finding): string {
  const answer = review.answers.find((entry) => entry.finding === finding.id);
  if (answer === undefined) return finding.severity === 'info' ? 'a note' : 'not answered';
  return answer.reason === undefined ? answer.answer : `${answer.answer}: ${answer.reason}`;
}
