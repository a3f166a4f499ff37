/** What a person reads when a command about a run is done: how it stands, what it made, and what to do next. */
import { join } from 'node:path';
import type { RunView } from '../pipeline/contracts.ts';
import { filesToRead } from './questions.ts';
import { commandFor, shown, type Session } from './session.ts';
import type { RunSummary } from './summary.ts';
import { count, duration, harmless, painter, type Paint } from './terminal.ts';

const SHOWN_STREAMS = 12;

/** Lines for stdout. */
export function reportLines(session: Session, view: RunView, summary: RunSummary): string[] {
  const paint = painter(session.terminal.colour);
  const rows: [string, string][] = [['run', `${view.runId} (${shown(session, view.runDir)})`]];
  if (view.connectorDir !== null) rows.push(['connector', shown(session, view.connectorDir)]);
  if (summary.streams.length > 0) rows.push(['streams', streamNames(summary.streams)]);
  if (summary.tests.total > 0) rows.push(['tests', testNumbers(summary)]);
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
  if (summary.usage.usd > 0) rows.push(['cost', `$${summary.usage.usd.toFixed(2)}`]);
  rows.push(['time', duration(summary.durationMs)]);
  return [
    headline(paint, view),
    ...rows.map(([name, value]) => `  ${paint('dim', name.padEnd(10))} ${value}`),
    ...nextLines(session, view),
  ];
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
  return parts.join(', ');
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

function nextLines(session: Session, view: RunView): string[] {
  const lines: string[] = [];
  const resume = (rest: string): string => `  ${commandFor(session, view, `resume ${view.runId}${rest}`)}`;
  if (view.status === 'waiting' && view.gate !== null) {
    for (const path of filesToRead(view, view.gate)) lines.push(`Read ${shown(session, path)}, then one of`);
    if (lines.length === 0) lines.push('Go on with one of');
    lines.push(resume(` --approve ${view.gate}`));
    if (view.gate === 'review') lines.push(resume(' --answer FINDING=accept|reject'));
    if (view.gate !== 'draft') lines.push(resume(` --request-changes ${view.gate} --feedback "…"`));
    lines.push(resume(` --reject ${view.gate}`));
  } else if (view.status === 'paused') {
    if (view.pause !== null) lines.push(harmless(view.pause.message), harmless(view.pause.cure));
    lines.push('Then go on with', resume(''));
  } else if (view.status === 'failed') {
    if (view.error !== null) lines.push(harmless(view.error.message));
    if (view.error?.cure != null) lines.push(harmless(view.error.cure));
    lines.push(`What each test said: ${shown(session, join(view.runDir, 'test-report.json'))}`);
  }
  return lines;
}
