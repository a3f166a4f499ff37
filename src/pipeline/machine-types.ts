/** What the pipeline's machine is told (events), what it knows (context), and where it can stand (states). */
import type {
  Feedback,
  Finding,
  GateName,
  Limits,
  PauseCause,
  StageMode,
  StageName,
  StageResult,
} from './contracts.ts';

/** One attempt of one stage: all that its body is told. */
export interface Step {
  readonly stage: StageName;
  readonly mode: StageMode;
  /** 1 for the first attempt of this stage in this run. A paused attempt keeps its number when it is resumed. */
  readonly attempt: number;
  /** What this attempt answers, and nothing older. */
  readonly feedback: Feedback | undefined;
  readonly draft: boolean;
}

/** What the ledger of a review says, counted when the event was made. */
export interface OpenFindings {
  /** Those that may not be published without a word: errors and warnings, not rejected and not applied. */
  readonly blocking: number;
  /** Neither rejected nor applied. */
  readonly unanswered: number;
}

export interface StageFailure {
  readonly code: string;
  readonly message: string;
  readonly cure: string | null;
}

/** Evidence beside a stage's result that decides where the pipeline goes. */
interface Extras {
  research: object;
  generate: object;
  /** Hash over the code and the tests that ran, where there is a report to take it from. */
  test: { ran: string | null };
  diagnose: object;
  review: { open: OpenFindings };
  publish: object;
}
export type StageDone<S extends StageName = StageName> = {
  [N in S]: { type: `done.${N}`; attempt: number; result: StageResult<N> } & Extras[N];
}[S];

export interface Interruption {
  cause: PauseCause;
  message: string;
  cure: string;
}
export type StagePaused = {
  [N in StageName]: { type: `paused.${N}`; attempt: number } & Interruption;
}[StageName];
export type StageFailed = {
  [N in StageName]: { type: `failed.${N}`; attempt: number; error: StageFailure };
}[StageName];

/** What the person knew and had answered when they decided. */
export interface DecisionBasis {
  /** Findings that the person wants corrected; empty at gates that have none. */
  accepted: Finding[];
  /** Number of findings whose suggestion the person has applied already. */
  applied: number;
  open: OpenFindings;
}
export type GateDecided = {
  [G in GateName]:
    | ({ type: `approve.${G}` } & DecisionBasis)
    | ({ type: `changes.${G}`; text: string } & DecisionBasis)
    | { type: `reject.${G}` };
}[GateName];

export type PipelineEvent =
  | StageDone
  | StagePaused
  | StageFailed
  | GateDecided
  /** A stage was run by hand beside the pipeline: takes up an attempt's number and changes nothing else. */
  | { type: 'by_hand'; stage: StageName }
  | ({ type: 'pause' } & Interruption)
  | { type: 'resume' }
  | { type: 'cancel' };

/** States in which a stage works or a gate waits: what a pause can come from and goes back to. */
export type WorkState =
  | 'researching'
  | 'gateResearch'
  | 'generating'
  | 'gateCode'
  | 'testing'
  | 'diagnosing'
  | 'gateTests'
  | 'reviewing'
  | 'gateReview'
  | 'gateDraft'
  | 'gatePublish'
  | 'publishing';
export type PipelineState = WorkState | 'paused' | 'published' | 'cancelled' | 'failed';

export interface Pause {
  readonly cause: PauseCause;
  readonly message: string;
  readonly cure: string;
  readonly from: WorkState;
  /** On resume the tests run again, instead of the step that the pause came from. */
  readonly retest: boolean;
}

export interface Counts {
  readonly testFixes: number;
  readonly codeFixes: number;
  readonly reviewCycles: number;
  readonly reResearch: number;
}

/** Which of the two is at fault and gets fixed. */
export type FaultSide = 'code' | 'tests';

export interface TestEvidence {
  readonly result: StageResult<'test'>;
  readonly ran: string | null;
}

export interface PipelineContext {
  readonly limits: Limits;
  /** The newest step: running, or the one whose outcome led here. */
  readonly step: Step;
  readonly attempts: Readonly<Record<StageName, number>>;
  readonly counts: Counts;
  /** The newest test run of the code as it stands; null as soon as code or tests change. */
  readonly test: TestEvidence | null;
  /** The test run that a FIX answers and the side that it fixes, until the tests have run again. */
  readonly beforeFix: { readonly side: FaultSide; readonly test: TestEvidence | null } | null;
  /** Files that the FIX changed, where the stage says so. */
  readonly fixChanged: number | null;
  /** Sides whose FIX has changed nothing since the tests last ran differently: another one there would not help. */
  readonly fruitless: readonly FaultSide[];
  /** The tests belong to the code of the newest GENERATE. */
  readonly testsWritten: boolean;
  /** The person (or `auto`) has let the tests of this GENERATE through. */
  readonly testsApproved: boolean;
  /** The review asked something that re-research may no longer answer. */
  readonly question: string | null;
  readonly pause: Pause | null;
  readonly error: StageFailure | null;
}

export const WORK_STATES = [
  'researching',
  'gateResearch',
  'generating',
  'gateCode',
  'testing',
  'diagnosing',
  'gateTests',
  'reviewing',
  'gateReview',
  'gateDraft',
  'gatePublish',
  'publishing',
] as const satisfies readonly WorkState[];
