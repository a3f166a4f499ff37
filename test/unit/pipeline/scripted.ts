/** Stages that do what a script says, and a workspace to run them in. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  Finding,
  Limits,
  RunRequest,
  Stage,
  StageContext,
  StageName,
  StageOutcome,
  StageResult,
  Stages,
} from '../../../src/pipeline/contracts.ts';
import { GateName } from '../../../src/pipeline/contracts.ts';
import type { RunDependencies } from '../../../src/pipeline/run.ts';

export const LIMITS: Limits = { testFixes: 3, codeFixes: 3, reviewCycles: 2, reResearch: 1 };

export const ALL_AUTO = Object.fromEntries(GateName.options.map((gate) => [gate, 'auto' as const]));

export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'sourcewright-pipeline-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export function request(workspace: string, changes: Partial<RunRequest> = {}): RunRequest {
  return {
    source: { kind: 'description', location: '/apis/shop.openapi.yaml' },
    workspace,
    outDir: join(workspace, 'connectors'),
    engine: 'rules',
    gates: ALL_AUTO,
    limits: LIMITS,
    probe: false,
    ...changes,
  };
}

export function finding(id: string, changes: Partial<Finding> = {}): Finding {
  const range = { file: 'src/client.py', startLine: 1, endLine: 1 };
  return {
    id,
    rule: 'S101',
    source: 'ruff',
    severity: 'error',
    category: 'security',
    message: `finding ${id}`,
    range,
    excerpt: 'assert x',
    suggestion: { range, before: 'assert x', after: 'check(x)', title: 'Check' },
    ...changes,
  };
}

export const research: StageResult<'research'> = {
  title: 'Shop API',
  connectorName: 'shop',
  streams: 2,
  gaps: 1,
  problems: 0,
};
export function generated(changed = ['src/client.py']): StageResult<'generate'> {
  return {
    connectorDir: '/connectors/source-shop',
    files: [{ path: 'src/client.py', sha256: 'a' }],
    changed,
    checks: [],
    unresolved: [],
  };
}
export function tested(
  failing: string[] = [],
  verdict?: StageResult<'test'>['verdict'],
): StageResult<'test'> {
  return {
    verdict: verdict ?? (failing.length === 0 ? 'passed' : 'failed'),
    total: 10,
    passed: 10 - failing.length,
    failed: failing.length,
    errors: 0,
    skipped: 0,
    coverage: 90,
    failing,
  };
}
export function diagnosed(verdict: StageResult<'diagnose'>['verdict']): StageResult<'diagnose'> {
  const cure = verdict === 'environment' ? { cure: 'Install Python 3.11.' } : {};
  return { verdict, explanation: `It is the ${verdict}.`, evidence: [], vacuous: [], ...cure };
}
export function reviewed(
  decision: StageResult<'review'>['decision'] = 'clean',
  blocking = 0,
  findings = blocking,
): StageResult<'review'> {
  const question = decision === 'needs_research' ? { question: 'Which paging is it?' } : {};
  return { decision, findings, blocking, ...question };
}
export function published(draft = false): StageResult<'publish'> {
  return {
    schemaVersion: 1,
    draft,
    wheel: null,
    sdist: null,
    branch: null,
    commit: null,
    prUrl: null,
    tests: tested(),
    openFindings: draft ? ['open'] : [],
    notes: [],
    at: '2026-11-21T03:12:00.000Z',
  };
}

export type Script = {
  readonly [S in StageName]?: (context: StageContext) => Promise<StageOutcome<S>> | StageOutcome<S>;
};

/** What ran, in order: `generate FIX 2`. */
export type Trace = string[];

export const done = <R>(result: R): { status: 'done'; result: R } => ({ status: 'done', result });

/** Stages that succeed at once unless the script says otherwise. */
export function scripted(script: Script = {}, trace: Trace = []): Stages {
  const stage = <S extends StageName>(
    name: S,
    usual: (context: StageContext) => StageOutcome<S>,
    own: ((context: StageContext) => Promise<StageOutcome<S>> | StageOutcome<S>) | undefined,
  ): Stage<S> => ({
    name,
    async run(context) {
      trace.push(`${name} ${context.mode} ${context.attempt}`);
      return (own ?? usual)(context);
    },
  });
  return {
    research: stage('research', () => done(research), script.research),
    generate: stage('generate', () => done(generated()), script.generate),
    test: stage('test', () => done(tested()), script.test),
    diagnose: stage('diagnose', () => done(diagnosed('pass')), script.diagnose),
    review: stage('review', () => done(reviewed()), script.review),
    publish: stage('publish', (context) => done(published(context.draft)), script.publish),
  };
}

export function dependencies(stages: Stages, more: Partial<RunDependencies> = {}): RunDependencies {
  return { stages: () => stages, now: () => new Date(), log: () => undefined, graceMs: 200, ...more };
}
