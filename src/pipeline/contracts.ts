/**
 * What the stages of the pipeline take and give, and what a run shows to those who drive it. Every artifact that is
 * written to a run's folder, and every message that crosses a layer, has its schema here; nothing here does I/O.
 */
import { z } from 'zod';
import { Conformance } from '../conformance/contracts.ts';
import { Blueprint, FactName } from '../blueprint/schema.ts';
import type { SourcewrightError } from '../errors.ts';
import type { RunSeal } from '../store/run-seal.ts';

// ------------------------------------------------------------------------------------------------- stages and modes

export const StageName = z.enum(['research', 'generate', 'test', 'diagnose', 'review', 'publish']);
export type StageName = z.infer<typeof StageName>;

/** Why a stage runs: research RUN|REVISE, generate GENERATE|FIX|IMPROVE, test GENERATE|RERUN|FIX, others RUN. */
export const StageMode = z.enum(['RUN', 'REVISE', 'GENERATE', 'FIX', 'IMPROVE', 'RERUN']);
export type StageMode = z.infer<typeof StageMode>;

/** `review`: each finding's accept or reject. `draft`: review cycles ran out, publish with open findings or stop. */
export const GateName = z.enum(['research', 'code', 'tests', 'review', 'draft', 'publish']);
export type GateName = z.infer<typeof GateName>;

export const GatePolicy = z.enum(['ask', 'auto']);
export type GatePolicy = z.infer<typeof GatePolicy>;

export const GateDecision = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('approve') }),
  /** Back to the gate's stage with words of the person's. Not at the gate `draft`. */
  z.object({ kind: z.literal('request_changes'), feedback: z.string().min(1) }),
  /** Ends the run (`cancelled`, files stay). At `draft`: stop instead of publishing. */
  z.object({ kind: z.literal('reject'), reason: z.string().optional() }),
]);
export type GateDecision = z.infer<typeof GateDecision>;

export const PauseCause = z.enum([
  'budget',
  'credentials',
  'rate_limit',
  'environment',
  'reload',
  'stuck',
  'person',
]);
export type PauseCause = z.infer<typeof PauseCause>;

/** Rule of the finding that tests let a planted mistake through. */
export const SURVIVING_MUTANT = 'surviving-mutant';

/** How many mistakes are planted for a new run where nobody says otherwise. */
export const DEFAULT_MUTANTS = 30;

export const Limits = z.object({
  testFixes: z.number().int().min(0).default(3),
  codeFixes: z.number().int().min(0).default(3),
  reviewCycles: z.number().int().min(0).default(2),
  reResearch: z.number().int().min(0).default(1),
  /** Mistakes that are planted into the code to judge tests that pass; absent or 0 = none. */
  mutants: z.number().int().min(0).max(500).optional(),
  /** Hold the conformance suite against a connector whose tests pass; absent = no. */
  conformance: z.boolean().optional(),
});
export type Limits = z.infer<typeof Limits>;

export const Engine = z.enum(['rules', 'agents']);
export type Engine = z.infer<typeof Engine>;

/** How the agents of a run are to work. Stages are named where each has a model of its own. */
export const AgentOptions = z.object({
  /** Hard cap for the whole run, in US dollars. */
  budgetUsd: z.number().positive().default(5),
  /** Hard cap for all attempts of one stage together; absent = only the run's cap. */
  stageBudgetUsd: z.number().positive().optional(),
  /** The model of a stage, by its id at the API; absent = the built-in choice. */
  models: z.partialRecord(StageName, z.string().min(1)).default({}),
});
export type AgentOptions = z.infer<typeof AgentOptions>;

/** What a person asked for: the input of a run, written first into its journal. Never holds a secret. */
export const RunRequest = z.object({
  /** `description`: file path or URL of an OpenAPI document. `docs`: URL of documentation. `name`: an API's name. */
  source: z.object({ kind: z.enum(['description', 'docs', 'name']), location: z.string().min(1) }),
  /** Absolute path of the workspace: holds `.sourcewright/` and, by default, `connectors/`. */
  workspace: z.string(),
  /** Folder that receives `source-<name>/`; absolute. */
  outDir: z.string(),
  /** Kebab-case name without `source-`; absent = from the API's title. */
  name: z.string().optional(),
  engine: Engine,
  /** Names of the streams to generate; absent = the sensible ones. */
  streams: z.array(z.string()).optional(),
  gates: z.partialRecord(GateName, GatePolicy).default({}),
  limits: Limits,
  /** Ask the API itself a few GET requests; credentials are handed over outside the request, never stored. */
  probe: z.boolean().default(false),
  /** For the engine `agents`; whoever resumes the run may override it. */
  agents: AgentOptions.optional(),
});
export type RunRequest = z.infer<typeof RunRequest>;

// -------------------------------------------------------------------------------------------------------- artifacts

/** `brief.json`. The notes for people beside it are `brief.md`. */
export const Brief = z.object({
  schemaVersion: z.literal(1),
  blueprint: Blueprint,
  /** Requests made by the probe, redacted. Empty when it did not run. */
  probes: z.array(
    z.object({
      stream: z.string(),
      url: z.string(),
      status: z.number(),
      rows: z.number().nullable(),
      observation: z.string(),
      at: z.string(),
    }),
  ),
  /** What the research agent added; absent where rules alone did the research. */
  agent: z
    .object({
      /** The agent's notes for people, Markdown. */
      summary: z.string(),
      /** What the blueprint can't say and the generator has to write by hand. */
      beyond: z.array(
        z.object({
          stream: z.string().nullable(),
          what: z.string(),
          url: z.string(),
          quote: z.string(),
        }),
      ),
      existingConnectors: z.array(z.object({ name: z.string(), url: z.string(), note: z.string() })),
      /** Claims that were not taken over, each with the reason. */
      struck: z.array(z.object({ claim: z.string(), because: z.string() })),
      /** Documents that were read, with the time of reading. */
      documents: z.array(z.object({ url: z.string(), at: z.string(), sha256: z.string() })),
    })
    .optional(),
});
export type Brief = z.infer<typeof Brief>;

/** A place in a file of the connector. Lines are 1-based and inclusive. */
export const FileRange = z.object({
  /** Relative to the connector's folder, with forward slashes. */
  file: z.string(),
  startLine: z.number().int().min(1),
  endLine: z.number().int().min(1),
});
export type FileRange = z.infer<typeof FileRange>;

/** An exact edit: replaces precisely these lines, and only while they still read `before`. */
export const Suggestion = z.object({
  range: FileRange,
  before: z.string(),
  after: z.string(),
  title: z.string(),
});
export type Suggestion = z.infer<typeof Suggestion>;

export const Severity = z.enum(['error', 'warning', 'info']);
export type Severity = z.infer<typeof Severity>;

export const Finding = z.object({
  /** Stable over reviews: hash of rule, file and the text it is about, so an answer is remembered. */
  id: z.string(),
  rule: z.string(),
  source: z.enum(['ruff', 'mypy', 'secrets', 'checks', 'integrity', 'model']),
  severity: Severity,
  category: z.enum(['correctness', 'security', 'architecture', 'style', 'documentation', 'tests']),
  message: z.string(),
  range: FileRange,
  /** Text of the lines when it was found, to anchor it after edits. */
  excerpt: z.string(),
  suggestion: Suggestion.optional(),
  /** What the person said about it, oldest first: put in for whoever corrects it, never by a review. */
  said: z.array(z.string()).optional(),
});
export type Finding = z.infer<typeof Finding>;

export const FindingAnswer = z.object({
  finding: z.string(),
  answer: z.enum(['accepted', 'rejected', 'applied']),
  reason: z.string().optional(),
});
export type FindingAnswer = z.infer<typeof FindingAnswer>;

/** The longest text of one remark, in characters. */
export const MAX_REMARK = 4000;

/** Something that was said about a finding, beside its answer. */
export const Remark = z.object({
  finding: z.string(),
  by: z.enum(['person', 'sourcewright']),
  text: z.string().trim().min(1).max(MAX_REMARK),
  at: z.string(),
});
export type Remark = z.infer<typeof Remark>;

/** `discussion.json`: what was said about the findings of a run, oldest first. It outlives the review that it began with. */
export const Discussion = z.object({ schemaVersion: z.literal(1), remarks: z.array(Remark) });
export type Discussion = z.infer<typeof Discussion>;

/** What goes back to a stage that runs again. Only the newest one counts. */
export const Feedback = z.object({
  from: z.enum(['person', 'diagnose', 'review']),
  text: z.string(),
  /** JUnit ids of failing tests (`tests/test_read.py::test_x`). */
  failingTests: z.array(z.string()).default([]),
  findings: z.array(Finding).default([]),
});
export type Feedback = z.infer<typeof Feedback>;

/** The outcome of a tool run over the connector: compileall, import, ruff, mypy. */
export const StaticCheck = z.object({
  name: z.enum(['compile', 'import', 'ruff', 'mypy', 'format']),
  passed: z.boolean(),
  /** Command line, for the reader. */
  command: z.string(),
  exitCode: z.number().nullable(),
  /** End of the output, at most 8 kB. */
  output: z.string(),
  durationMs: z.number(),
});
export type StaticCheck = z.infer<typeof StaticCheck>;

export const ResearchResult = z.object({
  title: z.string(),
  connectorName: z.string(),
  streams: z.number(),
  gaps: z.number(),
  problems: z.number(),
});
export type ResearchResult = z.infer<typeof ResearchResult>;

export const GenerateResult = z.object({
  /** Absolute path of the connector. */
  connectorDir: z.string(),
  files: z.array(z.object({ path: z.string(), sha256: z.string() })),
  /** Paths that this attempt added or changed. */
  changed: z.array(z.string()),
  checks: z.array(StaticCheck),
  /** Findings that the attempt was asked to answer and did not. */
  unresolved: z.array(z.string()),
});
export type GenerateResult = z.infer<typeof GenerateResult>;

export const TestCase = z.object({
  /** `tests/test_read.py::TestX::test_y[param]`. */
  id: z.string(),
  file: z.string(),
  line: z.number().optional(),
  outcome: z.enum(['passed', 'failed', 'error', 'skipped']),
  durationMs: z.number(),
  message: z.string().optional(),
  /** Traceback and captured output, at most 8 kB. */
  details: z.string().optional(),
});
export type TestCase = z.infer<typeof TestCase>;

/** One mistake that was planted into a copy of the code, and what the tests made of it. */
export const Mutant = z.object({
  /** Relative to the connector's folder, with forward slashes. */
  file: z.string(),
  line: z.number().int().min(1),
  /** Kind of mistake: `boundary`, `raise`, `text` … */
  operator: z.string(),
  /** The line as it is and with the mistake, without indentation. */
  before: z.string(),
  after: z.string(),
  /** The line reads otherwise than it was compiled. */
  handWritten: z.boolean(),
  /** `timed-out`: the tests did not end, which counts as noticed. `not-run`: the time for all was over. */
  outcome: z.enum(['killed', 'survived', 'timed-out', 'not-run']),
  /** How many tests met it. */
  tests: z.number().int(),
  /** Ids of the first tests that noticed it; none where the tests could not even be collected. */
  killedBy: z.array(z.string()),
});
export type Mutant = z.infer<typeof Mutant>;

/** What tests that pass are worth: the share of a sample of planted mistakes that they notice. */
export const Mutation = z.object({
  /** Why nothing or less than asked for can be said; null where all went well. */
  note: z.string().nullable(),
  /** What chose the sample, with the code itself. */
  seed: z.string(),
  limit: z.number().int(),
  /** Places where a mistake could have been planted, on lines that tests run. */
  candidates: z.number().int(),
  killed: z.number().int(),
  survived: z.number().int(),
  timedOut: z.number().int(),
  notRun: z.number().int(),
  /** Percentage of those that ran which were noticed, to one decimal; null where none ran. */
  killRate: z.number().nullable(),
  mutants: z.array(Mutant),
  /** Tests that met mistakes of the sample and noticed none. The sample is small: no verdict on a test. */
  idleTests: z.array(z.string()),
});
export type Mutation = z.infer<typeof Mutation>;

/** What the person wants of sandboxes: the best there is, none but a real one, or none. */
export const IsolationPolicy = z.enum(['auto', 'require', 'off']);
export type IsolationPolicy = z.infer<typeof IsolationPolicy>;

/** How foreign code was confined while it ran. */
export const Isolation = z.object({
  /** `limits`: no sandbox, but time, memory, processes and files are limited. `none`: only time and environment are. */
  kind: z.enum(['bubblewrap', 'seatbelt', 'namespaces', 'limits', 'none']),
  /** What it does not give, in words. */
  lacks: z.array(z.string()),
  /** Why it was no better one, in words; null where there is none. */
  reason: z.string().nullable(),
});
export type Isolation = z.infer<typeof Isolation>;

/** `test-report.json`: made of pytest's exit code, its JUnit XML and the hashes of what ran; never of anyone's word. */
export const TestReport = z.object({
  schemaVersion: z.literal(1),
  verdict: z.enum(['passed', 'failed', 'unusable']),
  /** Why it is `unusable`: no JUnit file, timed out, nothing collected, exit code and file disagree. */
  reason: z.string().optional(),
  exitCode: z.number().nullable(),
  timedOut: z.boolean(),
  total: z.number(),
  passed: z.number(),
  failed: z.number(),
  errors: z.number(),
  skipped: z.number(),
  /** Percentage of lines of `src/` that ran, or null where it was not measured. */
  coverage: z.number().nullable(),
  cases: z.array(TestCase),
  /** Hash over the files that ran, in order of path. */
  codeSha256: z.string(),
  testsSha256: z.string(),
  /** The interpreter and command line that ran. */
  command: z.array(z.string()),
  python: z.string(),
  startedAt: z.string(),
  durationMs: z.number(),
  /** New skip or xfail, removed asserts or tests, edited fixtures, locked files touched. */
  integrity: z.array(Finding),
  /** Absent where the tests did not pass, or none was asked for. */
  mutation: Mutation.optional(),
  /** Absent where the tests did not pass, or it was not asked for. */
  conformance: Conformance.optional(),
  /** Absent in reports of older versions. */
  isolation: Isolation.optional(),
});
export type TestReport = z.infer<typeof TestReport>;

export const TestResult = z.object({
  verdict: TestReport.shape.verdict,
  total: z.number(),
  passed: z.number(),
  failed: z.number(),
  errors: z.number(),
  skipped: z.number(),
  coverage: z.number().nullable(),
  failing: z.array(z.string()),
  /** Percentage of planted mistakes that the tests noticed; absent where none was planted. */
  killRate: z.number().nullable().optional(),
  /** How many checks of the conformance suite passed and failed; absent where it did not run. */
  conformance: Conformance.pick({ passed: true, failed: true }).optional(),
});
export type TestResult = z.infer<typeof TestResult>;

/** `diagnosis.json`. */
export const DiagnoseResult = z.object({
  verdict: z.enum(['code', 'tests', 'environment', 'pass']),
  /** In words for the person: what failed and why it is thought so. */
  explanation: z.string(),
  /** For `environment`: what to do. */
  cure: z.string().optional(),
  /** The evidence by test. */
  evidence: z.array(
    z.object({ test: z.string(), fault: z.enum(['code', 'tests', 'environment']), because: z.string() }),
  ),
  /** On a pass: tests that can't fail. */
  vacuous: z.array(Finding),
});
export type DiagnoseResult = z.infer<typeof DiagnoseResult>;

/** `review.json`, the ledger: findings with the person's answers. */
export const Review = z.object({
  schemaVersion: z.literal(1),
  cycle: z.number().int(),
  decision: z.enum(['clean', 'needs_work', 'needs_research']),
  findings: z.array(Finding),
  answers: z.array(FindingAnswer),
  tools: z.array(StaticCheck),
});
export type Review = z.infer<typeof Review>;

export const ReviewResult = z.object({
  decision: Review.shape.decision,
  findings: z.number(),
  blocking: z.number(),
  /** For `needs_research`: what must be known. */
  question: z.string().optional(),
});
export type ReviewResult = z.infer<typeof ReviewResult>;

/** `publication.json`. */
export const Publication = z.object({
  schemaVersion: z.literal(1),
  draft: z.boolean(),
  /** Paths of the packages that were built, absolute. */
  wheel: z.string().nullable(),
  sdist: z.string().nullable(),
  branch: z.string().nullable(),
  commit: z.string().nullable(),
  prUrl: z.string().nullable(),
  /** Tests of the clean copy. */
  tests: TestResult,
  openFindings: z.array(z.string()),
  /** What was left out and why ("no git repository here"). */
  notes: z.array(z.string()),
  at: z.string(),
});
export type Publication = z.infer<typeof Publication>;

/** What models were paid for. Everything is 0 where rules did the work. */
export const Usage = z.object({
  usd: z.number(),
  /** All input, what was read from and written to the prompt cache included. */
  inputTokens: z.number(),
  outputTokens: z.number(),
  cacheReadTokens: z.number().default(0),
  cacheWriteTokens: z.number().default(0),
  /** Requests to the model that were answered. */
  requests: z.number().default(0),
});
export type Usage = z.infer<typeof Usage>;
export const NO_USAGE: Usage = {
  usd: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  requests: 0,
};

export const StageResults = {
  research: ResearchResult,
  generate: GenerateResult,
  test: TestResult,
  diagnose: DiagnoseResult,
  review: ReviewResult,
  publish: Publication,
} as const;
export type StageResult<S extends StageName> = z.infer<(typeof StageResults)[S]>;

// --------------------------------------------------------------------------------------------------- stage contract

/** How a stage ended. A thrown error is turned into `failed` by the pipeline (or `paused`, by its code). */
export type StageOutcome<S extends StageName> =
  | { readonly status: 'done'; readonly result: StageResult<S> }
  | {
      readonly status: 'paused';
      readonly cause: PauseCause;
      readonly message: string;
      readonly cure: string;
    };

/** A process to run for the person to see: an integrated terminal in the editor, the terminal's stderr elsewhere. */
export interface Command {
  /** Shown as the terminal's or task's name. */
  readonly title: string;
  /** Absolute path of the program; never a shell line. */
  readonly file: string;
  readonly args: readonly string[];
  /** Program and arguments that it is started through, which confine it; absent = it is started by itself. */
  readonly within?: readonly string[] | undefined;
  readonly cwd: string;
  /** The whole environment: nothing is inherited beside it. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}
export interface CommandResult {
  /** Null when it was ended by us (time limit or cancel) or by a signal. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
}
/** Runs commands where a person sees them. Ends the whole process tree on abort and at the time limit. */
export interface VisibleRunner {
  run(command: Command, signal: AbortSignal): Promise<CommandResult>;
}

/** Secrets for the probe, by config key; held in memory only. */
export type ProbeCredentials = Readonly<Record<string, string>>;

export interface StageContext {
  readonly runId: string;
  readonly request: RunRequest;
  /** `.sourcewright/runs/<id>/`, absolute; artifacts go here by `writeArtifact`. */
  readonly runDir: string;
  /** Known after research: `<outDir>/source-<name>`. */
  readonly connectorDir: string;
  readonly mode: StageMode;
  /** 1 for the first attempt of this stage in this run. */
  readonly attempt: number;
  /** What this attempt answers; absent on a first attempt. */
  readonly feedback: Feedback | undefined;
  /** Set in publish when the run goes out with open findings. */
  readonly draft: boolean;
  readonly signal: AbortSignal;
  /** One line for the person about what is going on. */
  progress(message: string): void;
  /** A line for the live feed of an agent: a turn, a tool call, a refusal. Newest last; only some are kept. */
  activity(line: string): void;
  /**
   * What this attempt has cost so far, in all: the sum over its sittings, not what came since the last call. Shown at once,
   * and kept however the attempt ends.
   */
  spent(total: Usage): void;
  /** Reads an artifact of this run through its schema; undefined when it is not there. Throws `corrupt` on a mismatch. */
  readArtifact<T>(name: string, schema: z.ZodType<T>): Promise<T | undefined>;
  /** Writes an artifact atomically (temporary file, fsync, rename). */
  writeArtifact(name: string, content: unknown): Promise<void>;
}

/** One stage of one engine. Stages hold no state between calls: everything is in files. */
export interface Stage<S extends StageName> {
  readonly name: S;
  run(context: StageContext): Promise<StageOutcome<S>>;
}
export type Stages = { readonly [S in StageName]: Stage<S> };

// ----------------------------------------------------------------------------------------------- what a run looks like

export const StageView = z.object({
  stage: StageName,
  /** `failed`: the stage could not do its work, or, for `test`, tests failed. Whether the run failed says its status. */
  state: z.enum(['pending', 'running', 'waiting', 'done', 'failed', 'paused', 'cancelled']),
  mode: StageMode.nullable(),
  attempt: z.number().int(),
  startedAt: z.string().nullable(),
  /** Of the newest attempt; null while it runs. */
  durationMs: z.number().nullable(),
  /** Of all attempts together. */
  usage: Usage,
  /** The newest progress line, or the result in a few words. */
  note: z.string(),
  /** The newest lines of an agent at work, oldest first. */
  activity: z.array(z.object({ at: z.string(), line: z.string() })).default([]),
  /** Names of the artifacts to open, in the run's folder. */
  artifacts: z.array(z.string()),
});
export type StageView = z.infer<typeof StageView>;

export const RunStatus = z.enum([
  'running',
  'waiting',
  'paused',
  'published',
  'finished',
  'failed',
  'cancelled',
]);
export type RunStatus = z.infer<typeof RunStatus>;

/** A run as a person sees it: plain data, safe to send to a webview. `run.json` in the run's folder is its newest copy. */
export const RunView = z.object({
  schemaVersion: z.literal(1),
  runId: z.string(),
  status: RunStatus,
  title: z.string(),
  engine: Engine,
  connectorName: z.string().nullable(),
  connectorDir: z.string().nullable(),
  runDir: z.string(),
  workspace: z.string(),
  startedAt: z.string(),
  updatedAt: z.string(),
  stages: z.array(StageView),
  /** The gate that waits for a person. */
  gate: GateName.nullable(),
  pause: z.object({ cause: PauseCause, message: z.string(), cure: z.string() }).nullable(),
  error: z.object({ code: z.string(), message: z.string(), cure: z.string().nullable() }).nullable(),
  counts: z.object({
    testFixes: z.number(),
    codeFixes: z.number(),
    reviewCycles: z.number(),
    reResearch: z.number(),
  }),
  usage: Usage,
});
export type RunView = z.infer<typeof RunView>;

/** What the editor and the terminal hold of a running pipeline. Everything they do goes through here. */
export interface PipelineRun {
  readonly runId: string;
  view(): RunView;
  /** Called after each change; returns the function that ends it. */
  onChange(listener: (view: RunView) => void): () => void;
  /** Answers the gate that waits. Throws `input` when another or none waits. */
  decide(gate: GateName, decision: GateDecision): Promise<void>;
  /** Answers one finding of the review; written to the ledger and the journal at once. */
  answer(answer: FindingAnswer): Promise<void>;
  findings(): Promise<Review | undefined>;
  /**
   * Keeps what was said about a finding; what a person said goes to whoever corrects it. Throws `input` for a finding that
   * the review has not, and for words that are none or too many, `corrupt` where the discussion so far can't be read.
   */
  discuss(remark: Omit<Remark, 'at'>): Promise<void>;
  /** Stops at the next safe place; `resume` goes on. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  cancel(): Promise<void>;
  /** Lets go of the run without ending it (window closes): it can be opened again from its folder. */
  dispose(): Promise<void>;
  /** Settles when the run waits, is paused or has ended: nothing goes on until someone acts. Never rejects. */
  settled(): Promise<RunView>;
}

/** A moment at which a connector's folder stands still: right before a stage writes into it, and right after. */
export interface SnapshotMoment {
  readonly workspace: string;
  readonly connectorDir: string;
  readonly runId: string;
  readonly stage: StageName;
  readonly attempt: number;
  readonly phase: 'before' | 'after';
  /** ISO time of what the run wrote down last: a snapshot is never older, also where the clock was set back. */
  readonly notBefore: string;
}

/** Keeps what a connector's folder holds. The run holds the folder's lock while it is asked. */
export interface SnapshotHook {
  /** May reject: it is told in the log, and the run goes on. */
  take(moment: SnapshotMoment): Promise<void>;
}

export interface PipelineDependencies {
  readonly stages: (engine: Engine) => Stages;
  readonly now: () => Date;
  /** Milliseconds of a clock that nobody can set, for durations. Absent: Node's own. */
  readonly elapsed?: () => number;
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  /** Asked before and after every attempt of a stage that writes. Absent: nothing is kept. */
  readonly snapshots?: SnapshotHook;
  /**
   * What a person typed at a gate or as a reason, without secrets: asked before it is journalled, for from there it goes into
   * prompts, reviews and pull requests. Absent: kept as it was typed.
   */
  readonly redact?: (text: string, folders: RunFolders) => Promise<string>;
  /** Marks the runs that this person begins, so that those that came with a folder are known. Absent: all are driven. */
  readonly seal?: RunSeal;
}

/** Where a run works. */
export interface RunFolders {
  readonly workspace: string;
  /** Null before the research has named the connector. */
  readonly connectorDir: string | null;
}

/** Which error codes pause a run instead of failing it, and with which cause. */
export const PAUSING: Partial<Record<SourcewrightError['code'], PauseCause>> = {
  environment: 'environment',
  credentials: 'credentials',
  budget: 'budget',
  remote: 'environment',
  // A file of the run that somebody deleted or edited can be put back, or its stage be run again.
  corrupt: 'environment',
};

export { FactName };
