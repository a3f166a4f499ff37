/**
 * The one JSON object that `--json` prints about a run. It is put together from the run's folder alone, so that
 * `generate`, `resume` and `show` say the same about the same run, and it always has the same keys: scripts need not ask
 * which of them are there.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { FailedCheck } from '../conformance/contracts.ts';
import { SourcewrightError } from '../errors.ts';
import {
  type Isolation,
  Brief,
  NO_USAGE,
  Publication,
  Review,
  TestReport,
  type Finding,
  type FindingAnswer,
  type GateName,
  type RunView,
  type Usage,
} from '../pipeline/contracts.ts';
import { planOf, shortPlan } from './plan.ts';
import { readReplayMark } from './replay-mark.ts';

export interface ErrorSummary {
  readonly code: string;
  readonly message: string;
  readonly where: string | null;
  readonly place: string | null;
  readonly cure: string | null;
}

export interface FindingSummary extends Finding {
  /** Null while nobody has answered it. */
  readonly answer: FindingAnswer['answer'] | null;
}

export interface RunSummary {
  /** Null when no run was kept: what was given could not be read. */
  readonly run: string | null;
  readonly status: RunView['status'];
  readonly connector: { readonly name: string | null; readonly kind: 'source'; readonly dir: string | null };
  readonly streams: readonly string[];
  readonly tests: {
    readonly total: number;
    readonly passed: number;
    readonly failed: number;
    readonly errors: number;
    readonly skipped: number;
    /** Percentage of lines, or null where it was not measured. */
    readonly coverage: number | null;
    /** How the tests were confined; absent where they did not run. */
    readonly isolation?: Isolation;
    /** Percentage of planted mistakes that the tests noticed; absent where none was planted. */
    readonly killRate?: number | null;
    /** Checks of the conformance suite; absent where it did not run. */
    readonly conformance?: {
      readonly passed: number;
      readonly failed: number;
      readonly failures: readonly FailedCheck[];
      /** What the agent face lacks: no failure, and the person's to know. */
      readonly advice: readonly FailedCheck[];
    };
  };
  readonly review: { readonly findings: readonly FindingSummary[]; readonly open: number };
  readonly publication: {
    readonly branch: string | null;
    readonly commit: string | null;
    readonly prUrl: string | null;
    readonly wheel: string | null;
    readonly draft: boolean;
    /** What was left out and why. */
    readonly notes: readonly string[];
  };
  readonly usage: Usage;
  readonly gaps: readonly {
    readonly stream: string | null;
    readonly fact: string;
    readonly question: string;
  }[];
  readonly durationMs: number;
  /** The gate that waits, or null. */
  readonly gate: GateName | null;
  /** At the gate *publish* or *draft*: what would go out and where to, in few lines; else empty. */
  readonly plan: readonly string[];
  readonly pause: RunView['pause'];
  readonly runDir: string | null;
  /** The recorded run that this one replays: its usage was paid for then, and not again. */
  readonly replayOf: { readonly run: string; readonly folder: string } | null;
  readonly error?: ErrorSummary;
}

const NO_TESTS = { total: 0, passed: 0, failed: 0, errors: 0, skipped: 0, coverage: null } as const;
const NOT_PUBLISHED = {
  branch: null,
  commit: null,
  prUrl: null,
  wheel: null,
  draft: false,
  notes: [],
} as const;

/** What is known of a run that was not kept, or could not be started. */
export function rejectedSummary(error: SourcewrightError, durationMs: number): RunSummary {
  return {
    run: null,
    status: 'failed',
    connector: { name: null, kind: 'source', dir: null },
    streams: [],
    tests: NO_TESTS,
    review: { findings: [], open: 0 },
    publication: NOT_PUBLISHED,
    usage: NO_USAGE,
    gaps: [],
    durationMs: Math.round(durationMs),
    gate: null,
    plan: [],
    pause: null,
    runDir: null,
    replayOf: null,
    error: errorSummary(error),
  };
}

export function errorSummary(error: SourcewrightError): ErrorSummary {
  return {
    code: error.code,
    message: error.message,
    where: error.where ?? null,
    place: error.place ?? null,
    cure: error.cure ?? null,
  };
}

/**
 * Reads the artifacts of a run.
 * @throws SourcewrightError `corrupt` when one of them does not fit its schema, unless the run itself says what is wrong
 */
export async function summarize(view: RunView): Promise<RunSummary> {
  const stopped = view.pause !== null || view.error !== null;
  const read = async <T>(name: string, schema: z.ZodType<T>): Promise<T | undefined> => {
    const reading = readArtifact(view.runDir, name, schema);
    return stopped ? reading.catch(() => undefined) : reading;
  };
  const [brief, tests, review, publication, mark] = await Promise.all([
    read('brief.json', Brief),
    read('test-report.json', TestReport),
    read('review.json', Review),
    read('publication.json', Publication),
    readReplayMark(view.runDir),
  ]);
  const findings = withAnswers(review);
  return {
    run: view.runId,
    status: view.status,
    connector: {
      name: view.connectorName,
      kind: 'source',
      dir: view.connectorDir,
    },
    streams: brief?.blueprint.streams.filter((stream) => stream.selected).map((stream) => stream.name) ?? [],
    tests: tests === undefined ? NO_TESTS : numbersOf(tests),
    review: { findings, open: findings.filter((finding) => finding.answer === null).length },
    publication: publication === undefined ? NOT_PUBLISHED : placesOf(publication),
    usage: view.usage,
    gaps:
      brief?.blueprint.gaps.map((gap) => ({ stream: gap.stream, fact: gap.fact, question: gap.question })) ??
      [],
    durationMs: Math.max(0, Date.parse(view.updatedAt) - Date.parse(view.startedAt)),
    gate: view.gate,
    plan: shortPlan(await planOf(view)),
    pause: view.pause,
    runDir: view.runDir,
    replayOf: mark === undefined ? null : { run: mark.run, folder: mark.folder },
    ...(view.error !== null && { error: { ...view.error, where: null, place: null } }),
  };
}

/** The review's findings, each with the newest answer that a person gave to it. */
export function withAnswers(review: Review | undefined): FindingSummary[] {
  const answers = new Map(review?.answers.map((answer) => [answer.finding, answer.answer]));
  return review?.findings.map((finding) => ({ ...finding, answer: answers.get(finding.id) ?? null })) ?? [];
}

function numbersOf(report: TestReport): RunSummary['tests'] {
  const { total, passed, failed, errors, skipped, coverage, mutation } = report;
  const rate = mutation === undefined ? {} : { killRate: mutation.killRate };
  const confined = report.isolation === undefined ? {} : { isolation: report.isolation };
  return { total, passed, failed, errors, skipped, coverage, ...rate, ...checksOf(report), ...confined };
}

function checksOf({ conformance }: TestReport): Pick<RunSummary['tests'], 'conformance'> {
  if (conformance === undefined) return {};
  const { passed, failed, failures, advice } = conformance;
  return { conformance: { passed, failed, failures, advice } };
}

function placesOf(publication: Publication): RunSummary['publication'] {
  const { branch, commit, prUrl, wheel, draft, notes } = publication;
  return { branch, commit, prUrl, wheel, draft, notes };
}

async function readArtifact<T>(runDir: string, name: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const path = join(runDir, name);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (thrown) {
    throw new SourcewrightError('corrupt', `${name} of this run can't be read.`, {
      where: path,
      cure: 'It was changed by hand or by another version of Sourcewright. Run the stage that writes it again.',
      cause: thrown,
    });
  }
}
