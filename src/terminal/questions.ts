/** What is asked of a person who sits at the terminal: the decision at a gate, and the answer to a finding. */
import { createInterface } from 'node:readline/promises';
import { join } from 'node:path';
import type { FindingAnswer, GateDecision, GateName, RunView } from '../pipeline/contracts.ts';
import { longPlan, planOf } from './plan.ts';
import type { FindingSummary } from './summary.ts';
import { coloured, harmless, painter, type Terminal } from './terminal.ts';

/** What is to be decided at each gate, and what to read before. */
const GATES: Record<GateName, { readonly question: string; readonly read: readonly string[] }> = {
  research: { question: 'Is this what the connector shall do?', read: ['brief.md'] },
  code: { question: 'Shall the connector as written be tested?', read: [] },
  tests: { question: 'Do the tests say enough to go on to the review?', read: ['test-report.json'] },
  review: { question: 'Go on with the findings as they are answered?', read: ['review.json'] },
  draft: {
    question: 'Findings are left and the review cycles are used up. Publish as a draft?',
    read: ['review.json'],
  },
  publish: {
    question: 'Publish the connector?',
    read: ['publication-plan.md', 'test-report.json', 'review.json'],
  },
};

/** Files in the run's folder that a person should look at before deciding at the gate. */
export function filesToRead(view: RunView, gate: GateName): string[] {
  return GATES[gate].read.map((name) => join(view.runDir, name));
}

/** The person went away (end of input) or pressed Ctrl-C at a question. */
export type NoAnswer = 'gone';

/** Asks until there is a usable answer. */
export async function askGate(
  terminal: Terminal,
  view: RunView,
  gate: GateName,
): Promise<GateDecision | NoAnswer> {
  const paint = painter(terminal.colour);
  const write = (line: string): void => void terminal.stderr.write(`${coloured(line)}\n`);
  write('');
  write(paint('bold', `Gate "${gate}": ${GATES[gate].question}`));
  for (const line of longPlan(await planOf(view))) write(`  ${line}`);
  for (const path of filesToRead(view, gate)) write(`  read ${path}`);
  if (view.connectorDir !== null && gate !== 'research') write(`  code ${view.connectorDir}`);
  const choices =
    gate === 'draft'
      ? 'publish as [d]raft, [s]top'
      : '[a]pprove, request [c]hanges, [r]eject, decide [l]ater';
  return withReader(terminal, async (ask) => {
    for (;;) {
      const answer = (await ask(`${choices}: `))?.trim().toLowerCase();
      if (answer === undefined || answer === 'l' || answer === 'later') return 'gone';
      if (answer === 'a' || answer === 'approve' || (gate === 'draft' && answer === 'd'))
        return { kind: 'approve' };
      if (answer === 'r' || answer === 'reject' || (gate === 'draft' && answer === 's'))
        return { kind: 'reject' };
      if (gate !== 'draft' && (answer === 'c' || answer === 'changes')) {
        const feedback = (await ask('What shall change? '))?.trim();
        if (feedback === undefined) return 'gone';
        if (feedback !== '') return { kind: 'request_changes', feedback };
      }
      write(`Please answer with one of the letters in brackets.`);
    }
  });
}

/** Goes through the findings that nobody answered yet; stops early when the person wants to. */
export async function askFindings(
  terminal: Terminal,
  findings: readonly FindingSummary[],
  record: (answer: FindingAnswer) => Promise<void>,
): Promise<NoAnswer | 'answered'> {
  const open = findings.filter((finding) => finding.answer === null);
  return withReader(terminal, async (ask) => {
    for (const [at, finding] of open.entries()) {
      terminal.stderr.write(
        `\n${at + 1} of ${open.length}  ${coloured(findingText(finding, terminal.colour))}\n`,
      );
      for (;;) {
        const answer = (await ask('[a]ccept (have it fixed), [r]eject, [s]kip the rest: '))
          ?.trim()
          .toLowerCase();
        if (answer === undefined) return 'gone';
        if (answer === 's' || answer === 'skip') return 'answered';
        if (answer === 'a' || answer === 'accept' || answer === 'r' || answer === 'reject') {
          await record({ finding: finding.id, answer: answer.startsWith('a') ? 'accepted' : 'rejected' });
          break;
        }
      }
    }
    return 'answered';
  });
}

/** A finding in a few lines, as `findings` and the questions show it. */
export function findingText(finding: FindingSummary, colour: boolean): string {
  const paint = painter(colour);
  const severity = paint(
    finding.severity === 'error' ? 'red' : finding.severity === 'warning' ? 'yellow' : 'blue',
    finding.severity,
  );
  const { file, startLine } = finding.range;
  const head = `${severity} ${paint('bold', `${file}:${startLine}`)} ${finding.category}, ${finding.rule} (${finding.id})`;
  const lines = [head, `  ${harmless(finding.message)}`];
  for (const line of finding.excerpt.split('\n').slice(0, 6))
    lines.push(paint('dim', `  | ${harmless(line)}`));
  if (finding.suggestion !== undefined) lines.push(`  suggested: ${harmless(finding.suggestion.title)}`);
  if (finding.answer !== null) lines.push(`  answered: ${finding.answer}`);
  return lines.join('\n');
}

type Ask = (question: string) => Promise<string | undefined>;

async function withReader<T>(terminal: Terminal, use: (ask: Ask) => Promise<T>): Promise<T> {
  const reader = createInterface({ input: terminal.stdin, output: terminal.stderr });
  const gone = new AbortController();
  reader.once('close', () => {
    gone.abort();
  });
  reader.once('SIGINT', () => {
    reader.close();
  });
  try {
    return await use(async (question) => {
      if (gone.signal.aborted) return undefined;
      try {
        return await reader.question(question, { signal: gone.signal });
      } catch {
        return undefined;
      }
    });
  } finally {
    reader.close();
  }
}
