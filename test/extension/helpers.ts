/** What the tests inside the editor share: the extension's services, waiting, and starting runs on our small library. */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { RunView, StageName } from '../../src/pipeline/contracts.ts';
import type { GenerateArguments } from '../../src/editor/generate/generate-connector.ts';
import type { TestAccess } from '../../src/editor/test-access.ts';

export const EXTENSION_ID = 'sourcewright.sourcewright';

export function extension(): vscode.Extension<TestAccess | undefined> {
  const found = vscode.extensions.getExtension<TestAccess | undefined>(EXTENSION_ID);
  assert.ok(found, 'the extension is not installed in this host');
  return found;
}

export async function access(): Promise<TestAccess> {
  const given = await extension().activate();
  assert.ok(given, 'the extension did not hand out its services: not in test mode?');
  return given;
}

export function workspaceRoot(): string {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'the suite needs a workspace folder');
  return folder.uri.fsPath;
}

export const library = (): string => join(workspaceRoot(), 'library.openapi.yaml');

/** Polls until `look` gives something; fails naming what was waited for and what was there instead. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 120_000,
  state: () => unknown = () => '',
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}. ${JSON.stringify(state())}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether a process is there. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Does something as in a workspace that is not trusted: trust itself can't be taken away inside a suite. */
export async function untrusted<T>(work: () => Promise<T>): Promise<T> {
  const original = Object.getOwnPropertyDescriptor(vscode.workspace, 'isTrusted');
  assert.ok(original, 'the editor has another way to tell trust now');
  Object.defineProperty(vscode.workspace, 'isTrusted', { configurable: true, get: () => false });
  try {
    return await work();
  } finally {
    Object.defineProperty(vscode.workspace, 'isTrusted', original);
  }
}

const AUTO = {
  research: 'auto',
  code: 'auto',
  tests: 'auto',
  review: 'auto',
  draft: 'auto',
  publish: 'auto',
} as const;

/** Starts a run by the command, as a person does, with the answers given beforehand. */
export async function generate(given: GenerateArguments): Promise<string> {
  const runId = await vscode.commands.executeCommand<string | undefined>('sourcewright.generateConnector', {
    location: library(),
    ...given,
    gates: { ...AUTO, ...given.gates },
  });
  assert.ok(runId, 'Generate Connector started no run');
  return runId;
}

export async function viewOf(runId: string): Promise<RunView> {
  const entry = (await access()).runs.entry(runId);
  assert.ok(entry, `run ${runId} is not known`);
  return entry.view;
}

export function stage(view: RunView, name: StageName): RunView['stages'][number] {
  const found = view.stages.find((candidate) => candidate.stage === name);
  assert.ok(found);
  return found;
}

/** The run as it stands; fails at once when it has stopped where it should go on. */
export async function underWay(runId: string): Promise<RunView> {
  const view = await viewOf(runId);
  if (view.status !== 'running' && view.status !== 'waiting') throw new Error(`The run is ${describe(view)}`);
  return view;
}

/** Waits for a gate; fails at once when the run ends or pauses instead. */
export async function gate(runId: string, name: RunView['gate']): Promise<RunView> {
  return until(
    `gate ${String(name)}`,
    async () => {
      const view = await underWay(runId);
      return view.status === 'waiting' && view.gate === name ? view : undefined;
    },
    180_000,
  );
}

export async function status(
  runId: string,
  wanted: RunView['status'],
  timeoutMs = 180_000,
): Promise<RunView> {
  return until(
    `status ${wanted}`,
    async () => {
      const view = await viewOf(runId);
      if (view.status === wanted) return view;
      if (['failed', 'cancelled', 'published', 'paused'].includes(view.status)) {
        throw new Error(`The run is ${describe(view)}`);
      }
      return undefined;
    },
    timeoutMs,
  );
}

function describe({ status: now, pause, error, stages }: RunView): string {
  return JSON.stringify({ now, pause, error, stages: stages.map((s) => `${s.stage} ${s.state} ${s.note}`) });
}
