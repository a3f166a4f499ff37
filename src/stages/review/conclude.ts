/** From what was found to the ledger and the decision: the same for rules and agents. */
import { basename } from 'node:path';
import type { ReviewedBrief } from '../../pipeline/brief-parts.ts';
import {
  type FileRange,
  type Finding,
  Review,
  type StageContext,
  type StageOutcome,
} from '../../pipeline/contracts.ts';
import { readBriefPart } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { finishFindings } from '../findings.ts';
import type { Gathered } from './gather.ts';
import { muteRejected, rememberEarlierRuns, rememberRejections } from './ledger.ts';
import { overlaps } from '../text-files.ts';
import { writePlan } from '../publish/plan.ts';

/**
 * Values that were struck out in the brief itself leave a hole that only more research can fill. A correction that strikes one
 * is an answer: the connector does without it.
 */
function struckFacts({ blueprint }: ReviewedBrief): string[] {
  const selected = new Set(
    blueprint.streams.filter((stream) => stream.selected).map((stream) => stream.name),
  );
  return blueprint.facts
    .filter(
      ({ status, evidence }) => status === 'struck' && !evidence.some(({ source }) => source === 'person'),
    )
    .filter(({ subject }) => subject === null || selected.has(subject))
    .map((fact) => `${fact.fact} of ${fact.subject ?? 'the API'} (struck: ${fact.value})`);
}

/** Secrets must never reach an artifact: where one stands, neither the lines nor an edit of them are shown. */
function withoutSecrets(findings: readonly Finding[]): Finding[] {
  const secrets = findings.filter((finding) => finding.rule === 'secret').map((finding) => finding.range);
  const shows = (range: FileRange): boolean => secrets.some((secret) => overlaps(secret, range));
  return findings.map(({ suggestion, ...finding }) => ({
    ...finding,
    ...(shows(finding.range) ? { excerpt: '(not shown)' } : {}),
    ...(suggestion === undefined || shows(suggestion.range) ? {} : { suggestion }),
  }));
}

/** The review before this one; what the person rejected in it, or in earlier runs, is remembered for good. */
export async function takePriorReview(context: StageContext): Promise<Review | undefined> {
  const prior = await context.readArtifact('review.json', Review);
  if (prior === undefined) await rememberEarlierRuns(context);
  else await rememberRejections(context.request.workspace, basename(context.connectorDir), prior);
  return prior;
}

function progressText(findings: number, blocking: number): string {
  if (blocking > 0) return `${blocking} findings to answer, ${findings - blocking} notes.`;
  return `Clean: nothing that must be answered${findings > 0 ? ` (${findings} notes)` : ''}.`;
}

/**
 * Writes the ledger and decides: by what is open and by facts that were struck out, and, where a model reviewed, by the
 * question that it has about the API.
 */
export async function concludeReview(
  d: Pick<StageDependencies, 'worker' | 'environment'>,
  context: StageContext,
  { drafts, tools }: Gathered,
  prior: Review | undefined,
  asked: string | null = null,
): Promise<StageOutcome<'review'>> {
  const dir = context.connectorDir;
  const all = withoutSecrets(await finishFindings(dir, drafts));
  const findings = await muteRejected(context.request.workspace, basename(dir), all);
  const known = new Set(findings.map((finding) => finding.id));
  const answers = (prior?.answers ?? []).filter(
    (entry) => entry.answer === 'rejected' && known.has(entry.finding),
  );
  const rejected = new Set(answers.map((entry) => entry.finding));
  const blocking = findings.filter((finding) => finding.severity !== 'info' && !rejected.has(finding.id));
  const struck = struckFacts(await readBriefPart(d, context, 'review'));
  const questions = [
    ...(struck.length > 0 ? [`Find out again: ${struck.join('; ')}.`] : []),
    ...(asked === null ? [] : [asked]),
  ];
  const decision = questions.length > 0 ? 'needs_research' : blocking.length > 0 ? 'needs_work' : 'clean';
  // After a kill the one before may be what this attempt itself has written.
  const cycle = Math.min((prior?.cycle ?? 0) + 1, context.attempt);
  const ledger: Review = { schemaVersion: 1, cycle, decision, findings, answers, tools };
  await context.writeArtifact('review.json', ledger);
  // The gate that may follow shows what would go out.
  await writePlan(d, context);
  context.progress(progressText(findings.length, blocking.length));
  return {
    status: 'done',
    result: {
      decision,
      findings: findings.length,
      blocking: blocking.length,
      ...(questions.length > 0 ? { question: questions.join(' ') } : {}),
    },
  };
}
