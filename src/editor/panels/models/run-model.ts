/** What the run view shows of a run: folded from its view, its journal and the report of its tests. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type RunHistory, historyOf } from '../../../pipeline/attempts.ts';
import { type RunView, type StageView, TestReport } from '../../../pipeline/contracts.ts';
import { JOURNAL_FILE, readJournal } from '../../../pipeline/journal.ts';
import { evidenceHashes } from '../../../python/pytest.ts';
import { nodeFiles } from '../../../store/files.ts';
import { lockHolder } from '../../../store/lock.ts';
import { runLockPath } from '../../../store/run-folders.ts';
import type { Document, Evidence, Feed, RunModel, StageRow } from '../../../webview/run/contract.ts';
import { FEED_WORD, feedKind, withIds } from '../../agents/feed.ts';
import { listTranscripts, nameInRun, type TranscriptFile, transcriptOf } from '../../agents/transcripts.ts';
import { GATES, isFinal, runName, runSummary, STAGE_LABEL } from '../../present.ts';
import { NewestFile } from './newest-file.ts';
import { attemptRows, attemptsOf, spent } from './run-attempts.ts';
import { buttonsOf } from './run-buttons.ts';
import { type DrawnRequest, drawingOf, standsAt } from './run-drawing.ts';
import { evidenceOf } from './run-evidence.ts';

/** Lines of the feed that a model carries; the page keeps those that it has seen. */
const FEED_LINES = 50;
const LINE_LENGTH = 300;

const journals = new NewestFile(async (path) => {
  const { request, records } = await readJournal(dirname(path), nodeFiles);
  return { request, history: historyOf(records) };
});
const reports = new NewestFile(async (path) => TestReport.parse(JSON.parse(await readFile(path, 'utf8'))));

/** Throws `corrupt` where the journal is damaged. */
export async function runModel(view: RunView): Promise<RunModel> {
  const journal = await journals.get(join(view.runDir, JOURNAL_FILE));
  const [evidence, transcripts, readOnly] = await Promise.all([
    evidenceFor(view),
    listTranscripts(view.runDir),
    holderOf(view),
  ]);
  const known = journal ?? { request: NOTHING_KNOWN, history: { attempts: [], gates: [] } };
  return modelOf({ view, ...known, evidence, transcripts, readOnly });
}

const NOTHING_KNOWN: DrawnRequest = {
  gates: {},
  limits: { testFixes: 0, codeFixes: 0, reviewCycles: 0, reResearch: 0 },
};

/** All that a model is made of. */
export interface RunFacts {
  readonly view: RunView;
  readonly request: DrawnRequest;
  readonly history: RunHistory;
  readonly evidence: Evidence | null;
  readonly transcripts: readonly TranscriptFile[];
  /** The other process that drives the run. */
  readonly readOnly: string | null;
}

/** The model of what is known. Pure. */
export function modelOf({ view, request, history, evidence, transcripts, readOnly }: RunFacts): RunModel {
  return {
    title: runName(view),
    status: view.status,
    engine: view.engine,
    summary: runSummary(view),
    advice: adviceOn(view),
    readOnly,
    gate: view.gate,
    buttons: buttonsOf(view, readOnly !== null),
    drawing: drawingOf(view, request, history.gates),
    stages: view.stages.map((stage) => stageRow(stage, history, transcripts)),
    attempts: attemptRows(view, history.attempts),
    usage: spent(view.usage),
    feed: feedOf(view),
    evidence,
  };
}

function adviceOn(view: RunView): string {
  if (view.gate !== null) return GATES[view.gate].next;
  // The summary has said why.
  if (view.pause !== null) return view.pause.cure;
  if (view.error !== null) return view.error.cure ?? '';
  return '';
}

function stageRow(view: StageView, history: RunHistory, transcripts: readonly TranscriptFile[]): StageRow {
  const { stage, state, note, usage, artifacts } = view;
  const said = transcripts.filter((one) => one.stage === stage);
  const documents: Document[] = [
    ...artifacts
      .filter((name) => transcriptOf(name) === undefined)
      // What is written for people comes before what is written for programs.
      .sort((a, b) => Number(b.endsWith('.md')) - Number(a.endsWith('.md')))
      .map((name) => ({ name, label: DOCUMENT_LABEL[name] ?? name })),
    ...said.map((one) => ({
      name: nameInRun(one),
      label: said.length === 1 ? 'Transcript' : `Transcript ${one.attempt}`,
    })),
  ];
  return {
    stage,
    label: STAGE_LABEL[stage],
    state,
    attempts: Math.max(attemptsOf(history.attempts, stage), view.attempt),
    note,
    usage: spent(usage),
    documents: documents.slice(-20),
  };
}

const DOCUMENT_LABEL: Readonly<Record<string, string>> = {
  'brief.md': 'Brief',
  'test-report.json': 'Test report',
  'diagnosis.json': 'Diagnosis',
  'review.json': 'Review',
  'publication.json': 'Publication',
};

/** The feed of the stage that has the run's attention; null where no agent has said anything there. */
function feedOf(view: RunView): Feed | null {
  const stage = standsAt(view) ?? view.stages.findLast(({ activity }) => activity.length > 0);
  if (stage === undefined || stage.activity.length === 0) return null;
  const lines = withIds(stage.activity.slice(-FEED_LINES));
  return {
    key: `${stage.stage}/${stage.attempt}`,
    label: STAGE_LABEL[stage.stage],
    running: stage.state === 'running',
    lines: lines.map(({ id, line }) => ({
      id,
      at: id.slice(0, id.lastIndexOf('#')),
      kind: FEED_WORD[feedKind(line)],
      line: line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH - 1)}…` : line,
    })),
  };
}

async function evidenceFor(view: RunView): Promise<Evidence | null> {
  const report = await reports.get(join(view.runDir, 'test-report.json')).catch(() => undefined);
  if (report === undefined) return null;
  const test = view.stages.find(({ stage }) => stage === 'test');
  const outdated = test?.state === 'pending' || test?.state === 'running';
  return evidenceOf(report, { outdated, unchanged: outdated ? null : await isUnchanged(view, report) });
}

/** Compares the connector's files with the hashes of what ran. Only where nobody works on them. */
async function isUnchanged(view: RunView, report: TestReport): Promise<boolean | null> {
  if (view.status === 'running' || view.connectorDir === null) return null;
  try {
    const { codeSha256, testsSha256 } = await evidenceHashes(view.connectorDir);
    return codeSha256 === report.codeSha256 && testsSha256 === report.testsSha256;
  } catch {
    return null;
  }
}

async function holderOf(view: RunView): Promise<string | null> {
  if (isFinal(view.status)) return null;
  const holder = await lockHolder(runLockPath(view.runDir)).catch(() => undefined);
  if (holder === undefined || holder.pid === process.pid) return null;
  return `process ${holder.pid} on ${holder.host} (${holder.doing})`;
}
