/** Views of runs for tests. */
import { NO_USAGE, StageName, type RunView, type StageView } from '../../../src/pipeline/contracts.ts';

export function stageView(stage: StageName, more: Partial<StageView> = {}): StageView {
  return {
    stage,
    state: 'pending',
    mode: null,
    attempt: 0,
    startedAt: null,
    durationMs: null,
    usage: NO_USAGE,
    note: '',
    activity: [],
    artifacts: [],
    ...more,
  };
}

export function runView(
  more: Partial<RunView> = {},
  stages: Partial<Record<StageName, Partial<StageView>>> = {},
): RunView {
  return {
    schemaVersion: 1,
    runId: '20260101-000000-api-abcd',
    status: 'running',
    title: 'API',
    engine: 'rules',
    connectorName: null,
    connectorDir: null,
    runDir: '/nowhere/.sourcewright/runs/20260101-000000-api-abcd',
    workspace: '/nowhere',
    startedAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:05.000Z',
    stages: StageName.options.map((name) => stageView(name, stages[name])),
    gate: null,
    pause: null,
    error: null,
    counts: { testFixes: 0, codeFixes: 0, reviewCycles: 0, reResearch: 0 },
    usage: NO_USAGE,
    ...more,
  };
}
