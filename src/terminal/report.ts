/** What a person reads when a command about a run is done: how it stands, what it made, and what to do next. */
import { join } from 'node:path';
import type { FailedCheck } from '../conformance/contracts.ts';
import type { RunView, Usage } from '../pipeline/contracts.ts';
import { isolationWords } from '../python/isolation/words.ts';
import { filesToRead } from './questions.ts';
import { commandFor, printJson, replayCommand, shown, type Session } from './session.ts';
import { summarize, type RunSummary } from './summary.ts';
import {
  coloured,
  count,
  dollars,
  duration,
  grouped,
  harmless,
  oneLine,
  painter,
  type Paint,
} from './terminal.ts';

const SHOWN_STREAMS = 12;
/** Characters of what a check of the conformance suite saw. */
const MAX_CHECK = 300;

/** Prints how a run stands: one JSON object, or lines for a person. */
export async function printRun(session: Session, view: RunView, json: boolean | undefined): Promise<void> {
  const summary = await summarize(view);
  if (json === true) printJson(session.terminal, summary);
  else session.terminal.stdout.write(`${coloured(reportLines(session, view, summary).join('\n'))}\n`);
}

/** Lines for stdout. */
export function reportLines(session: Session, view: RunView, summary: RunSummary): string[] {
  const paint = painter(session.terminal.colour);
  const rows: [string, string][] = [['run', `${view.runId} (${shown(session, view.runDir)})`]];
  if (view.connectorDir !== null) rows.push(['connector', shown(session, view.connectorDir)]);
  if (summary.streams.length > 0) rows.push(['streams', streamNames(summary.streams)]);
  if (summary.tests.total > 0) rows.push(['tests', testNumbers(summary)]);
  rows.push(...checkRows(summary));
  if (view.stages.some((stage) => stage.stage === 'review' && stage.attempt > 0)) {
    rows.push(['review', `${count(summary.review.findings.length, 'finding')}, ${summary.review.open} open`]);
  }
  if (summary.gaps.length > 0)
    rows.push(['gaps', `${count(summary.gaps.length, 'question')} that the description leaves open`]);
  const { branch, commit, prUrl, wheel, notes } = summary.publication;
  if (wheel !== null) rows.push(['package', shown(session, wheel)]);
  if (branch !== null) rows.push(['branch', commit === null ? branch : `${branch} (${commit.slice(0, 12)})`]);
  if (prUrl !== null) rows.push(['pull req.', prUrl]);
  for (const note of notes) rows.push(['note', harmless(note)]);
  rows.push(...costRows(summary));
  rows.push(['time', duration(summary.durationMs)]);
  return [
    headline(paint, view),
    ...rows.map(([name, value]) => `  ${paint('dim', name.padEnd(10))} ${value}`),
    ...nextLines(session, view, summary),
  ];
}

/** What models were paid for; nothing where rules did the work. */
function costRows({ usage, replayOf }: RunSummary): [string, string][] {
  if (usage.requests === 0 && usage.usd === 0) return [];
  const when = replayOf === null ? '' : ', when it was recorded; replaying costs nothing';
  return [
    ['cost', `${dollars(usage.usd)} for ${count(usage.requests, 'request')}${when}`],
    ['tokens', tokenNumbers(usage)],
  ];
}

/** `12,345 in (9,000 read from the cache, 2,000 written to it), 1,234 out`. */
export function tokenNumbers(usage: Usage): string {
  const cache = [
    ...(usage.cacheReadTokens > 0 ? [`${grouped(usage.cacheReadTokens)} read from the cache`] : []),
    ...(usage.cacheWriteTokens > 0 ? [`${grouped(usage.cacheWriteTokens)} written to it`] : []),
  ];
  const cached = cache.length === 0 ? '' : ` (${cache.join(', ')})`;
  return `${grouped(usage.inputTokens)} in${cached}, ${grouped(usage.outputTokens)} out`;
}

function streamNames(streams: readonly string[]): string {
  const names = streams.slice(0, SHOWN_STREAMS).join(', ');
  return streams.length > SHOWN_STREAMS ? `${names} and ${streams.length - SHOWN_STREAMS} more` : names;
}

function testNumbers({ tests }: RunSummary): string {
  const parts = [`${tests.passed} of ${tests.total} passed`];
  if (tests.failed > 0) parts.push(`${tests.failed} failed`);
  if (tests.errors > 0) parts.push(count(tests.errors, 'error'));
  if (tests.skipped > 0) parts.push(`${tests.skipped} skipped`);
  if (tests.coverage !== null) parts.push(`${Math.round(tests.coverage)}% of the lines ran`);
  if (tests.conformance !== undefined) {
    const { passed, failed } = tests.conformance;
    parts.push(`${passed} of ${passed + failed} conformance checks passed`);
  }
  if (tests.killRate != null) parts.push(`${Math.round(tests.killRate)}% of planted mistakes noticed`);
  if (tests.isolation !== undefined) parts.push(`run ${isolationWords(tests.isolation)}`);
  return parts.join(', ');
}

/** The checks of the conformance suite that failed, and those of the agent face, which keep nothing from being published. */
function checkRows({ tests }: RunSummary): [string, string][] {
  const { failures = [], advice = [] } = tests.conformance ?? {};
  return [
    ...failures.map((check): [string, string] => ['fails', checkWords(check)]),
    ...advice.map((check): [string, string] => ['advice', checkWords(check)]),
  ];
}

/** Which check, what it demands, the first thing seen and where. */
function checkWords({ id, title, problems }: FailedCheck): string {
  const [first] = problems;
  if (first === undefined) return oneLine(`${id}: ${title}`, MAX_CHECK);
  const place = first.file === null ? [] : [first.line === null ? first.file : `${first.file}:${first.line}`];
  const rest = problems.length > 1 ? [`${problems.length - 1} more in test-report.json`] : [];
  const aside = [...place, ...rest].join('; ');
  return `${oneLine(`${id}: ${title} ${first.message}`, MAX_CHECK)}${aside === '' ? '' : ` (${harmless(aside)})`}`;
}

function headline(paint: Paint, view: RunView): string {
  const title = harmless(view.title);
  switch (view.status) {
    case 'published':
      return paint('green', `Published: ${title}`);
    case 'finished':
      return paint('green', `Finished: ${title}`);
    case 'waiting':
      return paint('yellow', `Waiting for you at the gate "${view.gate ?? ''}": ${title}`);
    case 'paused':
      return paint('yellow', `Paused (${view.pause?.cause ?? 'unknown'}): ${title}`);
    case 'failed':
      return paint('red', `Failed: ${title}`);
    case 'cancelled':
      return paint('yellow', `Cancelled: ${title}`);
    case 'running':
      return `Running: ${title}`;
  }
}

function nextLines(session: Session, view: RunView, summary: RunSummary): string[] {
  switch (view.status) {
    case 'waiting':
      return waitingLines(session, view, summary);
    case 'paused':
      return pausedLines(session, view, summary);
    case 'failed':
      return failedLines(session, view);
    case 'running':
    case 'published':
    case 'finished':
    case 'cancelled':
      return [];
  }
}

function waitingLines(session: Session, view: RunView, { replayOf, plan }: RunSummary): string[] {
  const { gate } = view;
  if (gate === null) return [];
  const resume = resumeLine(session, view);
  const read = filesToRead(view, gate).map((path) => `Read ${shown(session, path)}`);
  if (replayOf !== null) return [...read, 'The recorded run was left here.'];
  return [
    ...(plan.length === 0 ? [] : ['What would be published', ...plan.map((line) => `  ${line}`)]),
    ...(read.length === 0 ? ['Go on with one of'] : read.map((line) => `${line}, then one of`)),
    resume(` --approve ${gate}`),
    ...(gate === 'review' ? [resume(' --answer FINDING=accept|reject')] : []),
    ...(gate === 'draft' ? [] : [resume(` --request-changes ${gate} --feedback "…"`)]),
    resume(` --reject ${gate}`),
  ];
}

function pausedLines(session: Session, view: RunView, { replayOf }: RunSummary): string[] {
  const { pause } = view;
  const resume = resumeLine(session, view);
  const why = pause === null ? [] : [harmless(pause.message), ...pause.cure.split('\n').map(harmless)];
  if (replayOf !== null)
    return [...why, 'Then replay it again with', `  ${replayCommand(session, replayOf)}`];
  if (pause?.cause !== 'budget') return [...why, 'Then go on with', resume('')];
  return [...why, 'Then go on with one of', resume(' --budget USD'), resume(' --stage-budget USD')];
}

function failedLines(session: Session, view: RunView): string[] {
  const { error } = view;
  const tested = view.stages.some((stage) => stage.stage === 'test' && stage.attempt > 0);
  const report = shown(session, join(view.runDir, 'test-report.json'));
  return [
    ...(error === null ? [] : [harmless(error.message)]),
    ...(error?.cure == null ? [] : [harmless(error.cure)]),
    ...(tested ? [`What each test said: ${report}`] : []),
  ];
}

function resumeLine(session: Session, view: RunView): (rest: string) => string {
  return (rest) => `  ${commandFor(session, view, `resume ${view.runId}${rest}`)}`;
}
