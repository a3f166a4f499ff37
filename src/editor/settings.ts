/** The person's settings, read freshly for each run. Names and scopes stand in package.json, `contributes.configuration`. */
import { resolve } from 'node:path';
import { workspace, type WorkspaceFolder } from 'vscode';
import { SourcewrightError } from '../errors.ts';
import type { Engine, GateName, GatePolicy, IsolationPolicy, Limits } from '../pipeline/contracts.ts';
import { agentChoices, type AgentChoices } from './agents/agent-choices.ts';
import { pathInside } from './paths.ts';

export interface Settings {
  /** Absolute; inside the workspace folder. */
  readonly outDir: string;
  readonly engine: Engine;
  readonly pythonPath: string | undefined;
  readonly testTimeoutMs: number;
  readonly isolation: IsolationPolicy;
  readonly allowedPackages: readonly string[];
  readonly gates: Record<GateName, GatePolicy>;
  readonly limits: Limits;
}

/** Throws `input` where a setting can't be used. */
export function readSettings(folder: WorkspaceFolder): Settings {
  const configuration = workspace.getConfiguration('sourcewright', folder.uri);
  const gate = (name: GateName): GatePolicy =>
    configuration.get<string>(`gates.${name}`) === 'auto' ? 'auto' : 'ask';
  const count = (name: keyof Limits, otherwise: number): number => {
    const value = configuration.get<number>(`limits.${name}`, otherwise);
    return Number.isInteger(value) && value >= 0 ? value : otherwise;
  };
  const pythonPath = configuration.get<string>('pythonPath', '').trim();
  const isolation = configuration.get<string>('tests.isolation');
  const seconds = configuration.get<number>('tests.timeLimit', 600);
  return {
    outDir: outputFolder(folder, configuration.get<string>('outputFolder', 'connectors')),
    engine: configuration.get<string>('engine') === 'agents' ? 'agents' : 'rules',
    pythonPath: pythonPath === '' ? undefined : pythonPath,
    testTimeoutMs: Math.min(Math.max(Number.isFinite(seconds) ? seconds : 600, 10), 3600) * 1000,
    isolation: isolation === 'require' || isolation === 'off' ? isolation : 'auto',
    allowedPackages: configuration
      .get<unknown[]>('packages.allowed', [])
      .filter((name) => typeof name === 'string'),
    gates: {
      research: gate('research'),
      code: gate('code'),
      tests: gate('tests'),
      review: gate('review'),
      draft: gate('draft'),
      publish: gate('publish'),
    },
    limits: {
      testFixes: count('testFixes', 3),
      codeFixes: count('codeFixes', 3),
      reviewCycles: count('reviewCycles', 2),
      reResearch: count('reResearch', 1),
      mutants: Math.min(count('mutants', 30), 500),
      conformance: configuration.get<boolean>('limits.conformance', true),
    },
  };
}

/** The settings for agents: the person's alone, whatever folder the run is in. Throws `input`, naming the setting. */
export function readAgentSettings(): AgentChoices {
  const configuration = workspace.getConfiguration('sourcewright.agents');
  return agentChoices((name) => configuration.get<unknown>(name), process.env['ANTHROPIC_BASE_URL']);
}

/** A workspace may choose the folder, but not one outside itself. */
function outputFolder(folder: WorkspaceFolder, setting: string): string {
  const root = folder.uri.fsPath;
  const outDir = resolve(root, setting.trim() === '' ? 'connectors' : setting.trim());
  if (pathInside(root, outDir) === undefined) {
    throw new SourcewrightError('input', `The output folder "${setting}" lies outside the workspace.`, {
      where: 'setting sourcewright.outputFolder',
      cure: 'Set it to a folder inside the workspace, such as "connectors".',
    });
  }
  return outDir;
}

/** What snapshots may take. Bounded as the manifest says, whatever stands in a settings file. */
export function readSnapshotLimits(): { readonly maxBytes: number; readonly maxFileBytes: number } {
  const configuration = workspace.getConfiguration('sourcewright.snapshots');
  const megabytes = (name: string, otherwise: number, least: number, most: number): number => {
    const value = configuration.get<number>(name, otherwise);
    return (Number.isFinite(value) ? Math.min(Math.max(value, least), most) : otherwise) * 1024 * 1024;
  };
  return {
    maxBytes: megabytes('totalSize', 200, 10, 10_000),
    maxFileBytes: megabytes('fileSize', 5, 1, 50),
  };
}
