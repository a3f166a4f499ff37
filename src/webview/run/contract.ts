/** What the run view shows, and what can be done there. Plain data, bounded: lists are cut, with the number left out. */
import * as z from 'zod/mini';

/** Dollars and tokens, as in `Usage` of the pipeline's contracts. */
export const Spent = z.object({ usd: z.number(), inputTokens: z.number(), outputTokens: z.number() });
export type Spent = z.infer<typeof Spent>;

/** A list that was cut: its first items, and how many more there are. */
const cut = <T extends z.ZodMiniType>(item: T) => z.object({ shown: z.array(item), left: z.number() });
export interface Cut<T> {
  readonly shown: T[];
  readonly left: number;
}

/** A place in the connector. `line` counts from 1; null where there is only a file. */
export const Place = z.object({ file: z.string(), line: z.nullable(z.number()) });
export type Place = z.infer<typeof Place>;

// ------------------------------------------------------------------------------------------------------ the drawing

export const StageState = z.enum(['pending', 'running', 'waiting', 'done', 'failed', 'paused', 'cancelled']);
export type StageState = z.infer<typeof StageState>;

export const DrawnStage = z.object({
  stage: z.string(),
  label: z.string(),
  state: StageState,
  /** `FIX`, `attempt 2`: what stands in its box below the state. */
  detail: z.string(),
  /** The run stands here. */
  here: z.boolean(),
});
export type DrawnStage = z.infer<typeof DrawnStage>;

export const GateId = z.enum(['research', 'code', 'tests', 'review', 'draft', 'publish']);
export type GateId = z.infer<typeof GateId>;

export const DrawnGate = z.object({
  gate: GateId,
  /** `ask` waits for the person, `auto` goes on by itself. */
  policy: z.enum(['ask', 'auto']),
  /** The newest answer there; null before the first. */
  answer: z.nullable(z.enum(['approve', 'request_changes', 'reject'])),
  here: z.boolean(),
  /** All of it in words. */
  text: z.string(),
});
export type DrawnGate = z.infer<typeof DrawnGate>;

export const LoopId = z.enum(['fixCode', 'fixTests', 'improve', 'revise']);
export type LoopId = z.infer<typeof LoopId>;

export const DrawnLoop = z.object({
  loop: LoopId,
  label: z.string(),
  used: z.number(),
  limit: z.number(),
  /** The run goes this way at this moment. */
  here: z.boolean(),
});
export type DrawnLoop = z.infer<typeof DrawnLoop>;

export const Drawing = z.object({
  stages: z.array(DrawnStage),
  gates: z.array(DrawnGate),
  loops: z.array(DrawnLoop),
  /** Where the run stands and what is used up, in sentences: the drawing for those who don't see it. */
  text: z.string(),
});
export type Drawing = z.infer<typeof Drawing>;

// ---------------------------------------------------------------------------------------------- stages and attempts

/** Something that a stage left and that can be opened. */
export const Document = z.object({ name: z.string(), label: z.string() });
export type Document = z.infer<typeof Document>;

export const StageRow = z.object({
  stage: z.string(),
  label: z.string(),
  state: StageState,
  attempts: z.number(),
  note: z.string(),
  usage: Spent,
  documents: z.array(Document),
});
export type StageRow = z.infer<typeof StageRow>;

export const AttemptRow = z.object({
  stage: z.string(),
  label: z.string(),
  attempt: z.number(),
  mode: z.string(),
  byHand: z.boolean(),
  outcome: z.enum(['running', 'done', 'failed', 'paused', 'cancelled', 'interrupted']),
  startedAt: z.string(),
  /** Work in the sittings that have ended, in milliseconds. */
  durationMs: z.number(),
  /** ISO time since which it works; null where it does not. */
  since: z.nullable(z.string()),
  sittings: z.number(),
  usage: Spent,
  note: z.string(),
});
export type AttemptRow = z.infer<typeof AttemptRow>;

// ---------------------------------------------------------------------------------------------------- the live feed

export const FeedLine = z.object({ id: z.string(), at: z.string(), kind: z.string(), line: z.string() });
export type FeedLine = z.infer<typeof FeedLine>;

/** What the agent of a stage says and does; the newest lines, oldest first. */
export const Feed = z.object({
  /** Names the attempt: lines of another one don't belong to the same feed. */
  key: z.string(),
  label: z.string(),
  running: z.boolean(),
  lines: z.array(FeedLine),
});
export type Feed = z.infer<typeof Feed>;

// ------------------------------------------------------------------------------------------------------- the evidence

export const CheckProblem = z.object({ message: z.string(), place: z.nullable(Place) });
export const CheckRow = z.object({ id: z.string(), title: z.string(), problems: cut(CheckProblem) });
export type CheckRow = z.infer<typeof CheckRow>;

export const Evidence = z.object({
  verdict: z.enum(['passed', 'failed', 'unusable']),
  /** Why it is unusable. */
  reason: z.nullable(z.string()),
  /** The tests run again, or are about to: what stands here is about the connector as it was. */
  outdated: z.boolean(),
  total: z.number(),
  passed: z.number(),
  failed: z.number(),
  errors: z.number(),
  skipped: z.number(),
  /** Percent of the lines that ran; null where it was not measured. */
  coverage: z.nullable(z.number()),
  exitCode: z.nullable(z.number()),
  timedOut: z.boolean(),
  durationMs: z.number(),
  startedAt: z.string(),
  command: z.string(),
  python: z.string(),
  /** How it was confined; null in old reports. */
  isolation: z.nullable(z.object({ words: z.string(), lacks: z.array(z.string()) })),
  failing: cut(z.object({ id: z.string(), outcome: z.string(), message: z.string(), place: Place })),
  integrity: cut(z.object({ severity: z.string(), message: z.string(), rule: z.string(), place: Place })),
  /** Null where no mistakes were planted. */
  mutation: z.nullable(
    z.object({
      note: z.nullable(z.string()),
      killRate: z.nullable(z.number()),
      killed: z.number(),
      survived: z.number(),
      timedOut: z.number(),
      notRun: z.number(),
      candidates: z.number(),
      survivors: cut(
        z.object({
          place: Place,
          operator: z.string(),
          before: z.string(),
          after: z.string(),
          handWritten: z.boolean(),
        }),
      ),
    }),
  ),
  /** Null where the conformance suite did not run. */
  conformance: z.nullable(
    z.object({
      note: z.nullable(z.string()),
      passed: z.number(),
      failed: z.number(),
      notApplicable: z.number(),
      broken: z.number(),
      failures: cut(CheckRow),
      advice: cut(CheckRow),
    }),
  ),
  codeSha256: z.string(),
  testsSha256: z.string(),
  /** Whether the files are still what ran; null where that is not known. */
  unchanged: z.nullable(z.boolean()),
});
export type Evidence = z.infer<typeof Evidence>;

// ---------------------------------------------------------------------------------------------------- model, actions

/** What a button does: each is also a command. */
export const RunButton = z.enum([
  'decide',
  'approve',
  'requestChanges',
  'reject',
  'cure',
  'resume',
  'pause',
  'runAgain',
  'openConnector',
  'cancel',
]);
export type RunButton = z.infer<typeof RunButton>;

export const RunModel = z.object({
  /** Name of the connector, or of what it is made from. */
  title: z.string(),
  status: z.string(),
  engine: z.enum(['rules', 'agents']),
  /** Where the run stands, in a line. */
  summary: z.string(),
  /** What follows, or what to do about a pause or a failure. */
  advice: z.string(),
  /** Who drives the run where this window can't; else null. */
  readOnly: z.nullable(z.string()),
  gate: z.nullable(GateId),
  buttons: z.array(z.object({ button: RunButton, label: z.string() })),
  drawing: Drawing,
  stages: z.array(StageRow),
  attempts: cut(AttemptRow),
  usage: Spent,
  feed: z.nullable(Feed),
  evidence: z.nullable(Evidence),
});
export type RunModel = z.infer<typeof RunModel>;

export const RunAction = z.discriminatedUnion('type', [
  z.object({ type: z.literal('press'), button: RunButton }),
  /** Opens a document of a stage by its name in the run's folder. */
  z.object({ type: z.literal('open'), name: z.string() }),
  /** Shows a place in the connector. */
  z.object({ type: z.literal('reveal'), place: Place }),
]);
export type RunAction = z.infer<typeof RunAction>;
