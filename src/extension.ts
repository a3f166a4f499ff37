/** The editor's composition root: builds the services, wires them to the workbench and lets go of them at the end. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ExtensionMode, l10n, window, workspace, type ExtensionContext, type LogOutputChannel } from 'vscode';
import { ApiKey } from './editor/agents/api-key.ts';
import { generateConnector, registerCommands } from './editor/commands.ts';
import { DisposableStore } from './editor/disposables.ts';
import { FindingComments } from './editor/findings/finding-comments.ts';
import { Gates } from './editor/gates.ts';
import { Panels } from './editor/panels/panels.ts';
import { panelSpecifications } from './editor/panels/specifications.ts';
import type { GenerateArguments } from './editor/generate/generate-connector.ts';
import { GenerateTool } from './editor/language-model-tools/generate-tool.ts';
import { speakBy } from './editor/l10n.ts';
import { registerLanguageModelTools } from './editor/language-model-tools/register.ts';
import { PipelineTree } from './editor/pipeline-tree.ts';
import { ReportDocuments } from './editor/reports/report-documents.ts';
import { RunService, runsDirOf } from './editor/run-service.ts';
import { RunsTree } from './editor/runs-tree.ts';
import { showError } from './editor/show-error.ts';
import { SnapshotDocuments } from './editor/snapshots/snapshot-documents.ts';
import { Snapshots } from './editor/snapshots/snapshots.ts';
import { StatusBar } from './editor/status-bar.ts';
import { TaskRunner } from './editor/task-runner.ts';
import type { TestAccess } from './editor/test-access.ts';
import { TestExplorer } from './editor/tests/test-explorer.ts';

let openRuns: RunService | undefined;

export function activate(context: ExtensionContext): TestAccess | undefined {
  const begun = performance.now();
  speakBy((message, ...inserted) => l10n.t(message, ...inserted));
  const log = window.createOutputChannel('Sourcewright', { log: true });
  const owned = new DisposableStore();
  context.subscriptions.push(log, owned);
  const dist = join(context.extensionPath, 'dist');

  const runner = new TaskRunner((command, { exitCode, timedOut }) => {
    log.info(
      `${command.title} ended with exit code ${exitCode ?? 'none'}${timedOut ? ' at its time limit' : ''}.`,
    );
  });
  const key = owned.add(new ApiKey(context.secrets));
  const runs = owned.add(new RunService({ dist, runner, log, key, memory: context.workspaceState }));
  openRuns = runs;
  const pipelineTree = owned.add(new PipelineTree(runs));
  const runsTree = owned.add(new RunsTree(runs));
  const pipelineView = owned.add(
    window.createTreeView('sourcewright.pipeline', { treeDataProvider: pipelineTree, showCollapseAll: true }),
  );
  owned.add(window.createTreeView('sourcewright.runs', { treeDataProvider: runsTree }));
  const snapshots = new Snapshots(runs);
  const gates = owned.add(new Gates(runs, snapshots, context.workspaceState, pipelineView));
  const findings = owned.add(new FindingComments(runs, log));
  const panels = owned.add(
    new Panels({
      runs,
      log,
      extension: context.extensionUri,
      specifications: panelSpecifications({ runs, gates, findings }),
    }),
  );
  owned.add(new ReportDocuments(runs));
  owned.add(new SnapshotDocuments(runs));
  owned.add(new StatusBar(runs));
  const testExplorer = owned.add(new TestExplorer({ runs, runner, log, dist }));

  const sample = join(dist, 'sample', 'pagerduty.openapi.yaml');
  const services = {
    runs,
    gates,
    findings,
    panels,
    snapshots,
    key,
    log,
    dist,
    sample: existsSync(sample) ? sample : undefined,
  };
  for (const command of registerCommands(services)) owned.add(command);
  const generate = (given: GenerateArguments): Promise<string | undefined> =>
    generateConnector(services, given);
  const generateTool = (waitMs?: number): GenerateTool => new GenerateTool({ ...services, generate }, waitMs);
  for (const tool of registerLanguageModelTools(runs, generateTool())) owned.add(tool);

  findEarlierRuns(runs, log);

  const activationMs = performance.now() - begun;
  log.debug(`Activated in ${activationMs.toFixed(1)} ms.`);
  const shown = { runs, pipelineTree, runsTree, gates, findings, panels, testExplorer, generateTool };
  return context.extensionMode === ExtensionMode.Test ? { ...shown, key, log, activationMs } : undefined;
}

/** Runs of an earlier window are found, never started. A workspace without any pays nothing for the look. */
function findEarlierRuns(runs: RunService, log: LogOutputChannel): void {
  const roots = workspace.workspaceFolders?.map((folder) => folder.uri.fsPath) ?? [];
  if (!roots.some((root) => existsSync(runsDirOf(root)))) return;
  runs.scan().catch((error: unknown) => {
    showError(log, error);
  });
}

/** Lets go of the open runs, so that the next window can open them again. */
export async function deactivate(): Promise<void> {
  await openRuns?.close();
  openRuns = undefined;
}
