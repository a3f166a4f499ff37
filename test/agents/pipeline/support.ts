/**
 * Whole runs of the engine `agents`: the real pipeline, the real stages, a real Python environment and git, and a scripted
 * server in place of a model. Conversations are told apart by their system prompt (the file's name) and by their first
 * message: the second conversation with the same prompt gets the second script of that prompt.
 */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentSettings } from '../../../src/agents/contracts.ts';
import { redactWords } from '../../../src/agents/redaction.ts';
import { createAgentRuntime } from '../../../src/agents/runtime.ts';
import { readTranscripts } from '../../../src/agents/transcript-view.ts';
import {
  type GateDecision,
  GateName,
  Limits,
  type PipelineDependencies,
  type PipelineRun,
  type RunRequest,
  type RunView,
} from '../../../src/pipeline/contracts.ts';
import { openRun, startRun } from '../../../src/pipeline/run.ts';
import { ProcessRunner } from '../../../src/python/process-runner.ts';
import { createAgentsStages } from '../../../src/stages/agents.ts';
import type { StageDependencies } from '../../../src/stages/dependencies.ts';
import {
  type Blocks,
  LOOPBACK_KEY,
  LoopbackServer,
  type ReceivedMessageRequest,
  reply,
  type ScriptedReply,
} from '../loopback/index.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const PROMPTS = join(root, 'src', 'agents', 'prompts');

type Turn = Blocks | ScriptedReply;
/** One scripted turn, or what makes it of the request. */
export type ScriptedTurn = Turn | ((request: ReceivedMessageRequest) => Turn);
/** Name of a prompt → its conversations, in the order in which they are begun. */
export type Conversations = Readonly<Record<string, readonly (readonly ScriptedTurn[])[]>>;

export interface Scripts {
  readonly script: (request: ReceivedMessageRequest) => ScriptedReply | Blocks;
  /** Requests by prompt: how many were made. */
  readonly counts: () => Record<string, number>;
  /** What was asked for without a script, in words. */
  readonly missing: string[];
}

async function promptNames(): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const file of await readdir(PROMPTS)) {
    names.set((await readFile(join(PROMPTS, file), 'utf8')).trim(), file.replace(/\.md$/, ''));
  }
  return names;
}

export async function scripts(conversations: Conversations): Promise<Scripts> {
  const names = await promptNames();
  const begun = new Map<string, string[]>();
  const asked: string[] = [];
  const missing: string[] = [];
  return {
    missing,
    counts: () =>
      Object.fromEntries(
        [...new Set(asked)].map((name) => [name, asked.filter((one) => one === name).length]),
      ),
    script: (request) => {
      const name = names.get(request.systemText.trim()) ?? 'unknown prompt';
      asked.push(name);
      const first = createHash('sha256').update(firstWords(request)).digest('hex');
      const known = begun.get(name) ?? [];
      if (!known.includes(first)) known.push(first);
      begun.set(name, known);
      const nth = known.indexOf(first);
      const turn = conversations[name]?.[nth]?.[request.position];
      if (turn === undefined) {
        missing.push(`${name}, conversation ${nth + 1}, turn ${request.position + 1}`);
        throw new Error(`no script for ${missing.at(-1)}`);
      }
      const made = typeof turn === 'function' ? turn(request) : turn;
      return made;
    },
  };
}

/** The first message; where its cache breakpoints are differs from turn to turn. */
function firstWords({ body }: ReceivedMessageRequest): string {
  return JSON.stringify(body.messages[0], (key, value: unknown) =>
    key === 'cache_control' ? undefined : value,
  );
}

export interface PipelineWorld {
  readonly workspace: string;
  readonly server: LoopbackServer;
  readonly scripts: Scripts;
  readonly log: string[];
  request(changes?: Partial<RunRequest>): RunRequest;
  dependencies(settings?: Partial<AgentSettings>, stages?: Partial<StageDependencies>): PipelineDependencies;
  start(
    changes?: Partial<RunRequest>,
    settings?: Partial<AgentSettings>,
    stages?: Partial<StageDependencies>,
  ): Promise<PipelineRun>;
  open(runDir: string, settings?: Partial<AgentSettings>): Promise<PipelineRun>;
  close(): Promise<void>;
}

export const ALL_AUTO = Object.fromEntries(GateName.options.map((gate) => [gate, 'auto' as const]));

/**
 * @param compile stands in for the compiler: a connector in miniature, so that a run takes seconds, with a planted mistake
 */
export async function pipelineWorld(
  conversations: Conversations,
  compile?: StageDependencies['compile'],
): Promise<PipelineWorld> {
  const workspace = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-agents-')));
  await cp(
    join(import.meta.dirname, 'fixtures', 'harbour.openapi.yaml'),
    join(workspace, 'harbour.openapi.yaml'),
  );
  const server = await LoopbackServer.start();
  const scripted = await scripts(conversations);
  server.setScript((request) => scripted.script(request));
  const log: string[] = [];
  const runs: PipelineRun[] = [];
  const say = (level: string, message: string): void => {
    log.push(`${level}: ${message}`);
  };
  const dependencies: PipelineWorld['dependencies'] = (settings = {}, stages = {}) => {
    const runtime = createAgentRuntime({
      apiKey: () => Promise.resolve(LOOPBACK_KEY),
      baseUrl: server.url,
      promptsDir: PROMPTS,
      log: say,
      sleep: () => Promise.resolve(),
      ...settings,
    });
    const d: StageDependencies = {
      runner: new ProcessRunner({ write: () => undefined }),
      templateDir: join(root, 'src', 'blueprint', 'template'),
      log: say,
      environment: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
      ...(compile === undefined ? {} : { compile }),
      ...stages,
    };
    const redact = redactWords(() => Promise.resolve([LOOPBACK_KEY, ...(settings.secrets ?? [])]));
    return { stages: () => createAgentsStages(d, runtime), now: () => new Date(), log: say, redact };
  };
  const request: PipelineWorld['request'] = (changes = {}) => ({
    source: { kind: 'description', location: join(workspace, 'harbour.openapi.yaml') },
    workspace,
    outDir: join(workspace, 'connectors'),
    engine: 'agents',
    gates: ALL_AUTO,
    limits: Limits.parse({}),
    probe: false,
    ...changes,
  });
  return {
    workspace,
    server,
    scripts: scripted,
    log,
    request,
    dependencies,
    async start(changes, settings, stages) {
      const run = await startRun(request(changes), dependencies(settings, stages));
      runs.push(run);
      return run;
    },
    async open(runDir, settings) {
      const run = await openRun(runDir, dependencies(settings));
      runs.push(run);
      return run;
    },
    async close() {
      for (const run of runs) await run.dispose();
      await server.close();
      await rm(workspace, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Answers each gate once by the given decisions, approves all others, and says how the run stands in the end. */
export async function drive(
  run: PipelineRun,
  decisions: Partial<Record<GateName, GateDecision[]>> = {},
  review?: (run: PipelineRun) => Promise<void>,
): Promise<RunView> {
  for (let turns = 0; turns < 40; turns += 1) {
    const view = await run.settled();
    if (view.status !== 'waiting' || view.gate === null) return view;
    if (view.gate === 'review') await review?.(run);
    await run.decide(view.gate, decisions[view.gate]?.shift() ?? { kind: 'approve' });
  }
  throw new Error('The run never ends.');
}

/** What a run did, stage by stage: `generate FIX 2`. */
export async function steps(runDir: string): Promise<string[]> {
  const lines = (await readFile(join(runDir, 'journal.jsonl'), 'utf8')).trim().split('\n');
  return lines.flatMap((line) => {
    const { record } = JSON.parse(line) as {
      record: { type: string; stage: string; mode: string; attempt: number };
    };
    return record.type === 'started' ? [`${record.stage} ${record.mode} ${record.attempt}`] : [];
  });
}

/** How a run stands and what its agents were last told, for the message of a failed assertion. */
export async function why(view: RunView): Promise<string> {
  const transcripts = await readTranscripts(view.runDir);
  const lines = transcripts.flatMap(({ stage, attempt, entries }) =>
    entries.map(({ kind, text }) => `${stage} ${attempt} ${kind}: ${text.slice(0, 600)}`),
  );
  return [JSON.stringify(view.pause ?? view.error ?? view.gate), ...lines.slice(-12)].join('\n');
}

export { reply };
