/**
 * What a run is given to work with, by the settings as they are when a stage begins: what a person corrects while a run is
 * paused (the interpreter, the budget, the key) counts as soon as it goes on.
 */
import { join } from 'node:path';
import { workspace, type LogOutputChannel, type WorkspaceFolder } from 'vscode';
import { SourcewrightError } from '../errors.ts';
import type { Engine, PipelineDependencies, Stages } from '../pipeline/contracts.ts';
import type { ApiKey } from './agents/api-key.ts';
import type * as engineModule from './engine.ts';
import { readAgentSettings, readSettings, readSnapshotLimits } from './settings.ts';
import type { TaskRunner } from './task-runner.ts';
import { usable } from './usable.ts';
import { isSamePath } from './paths.ts';

export type EngineModule = typeof engineModule;

export interface RunSources {
  /** Folder of the built files: the template, the worker, the prompts. */
  readonly dist: string;
  readonly runner: TaskRunner;
  readonly log: LogOutputChannel;
  readonly key: ApiKey;
}

/** For a run of the workspace folder at `root`. */
export function dependenciesFor(
  engine: EngineModule,
  root: string,
  { dist, runner, log, key }: RunSources,
): PipelineDependencies {
  const say: PipelineDependencies['log'] = (level, message) => {
    log[level](message);
  };
  const stages = (name: Engine): Stages => {
    const { pythonPath, testTimeoutMs, isolation, allowedPackages } = usable(() =>
      readSettings(folderOf(root)),
    );
    const common = {
      runner,
      templateDir: join(dist, 'template'),
      descriptionWorker: join(dist, 'description-worker.mjs'),
      worker: join(dist, 'worker.mjs'),
      pythonPath,
      testTimeoutMs,
      isolation,
      allowedPackages,
      log: say,
    };
    if (name === 'rules') return engine.createRulesStages(common);
    const { budgetUsd, stageBudgetUsd, models, prices, baseUrl, webDomains } = usable(readAgentSettings);
    return engine.createLazyAgentsStages(common, {
      apiKey: key.get,
      baseUrl,
      budgetUsd,
      // No cap of its own, also where the run's request still names one.
      stageBudgetUsd: stageBudgetUsd ?? Number.POSITIVE_INFINITY,
      models,
      prices,
      webDomains,
      promptsDir: join(dist, 'prompts'),
      log: say,
    });
  };
  const redact = engine.redactWords(async () => [
    await key.get(),
    ...engine.secretsOfEnvironment(process.env),
  ]);
  const snapshots = engine.snapshotHook(say, readSnapshotLimits);
  return { now: () => new Date(), log: say, stages, redact, snapshots, seal: engine.personalSeal() };
}

function folderOf(root: string): WorkspaceFolder {
  const folder = workspace.workspaceFolders?.find((candidate) => isSamePath(candidate.uri.fsPath, root));
  if (folder !== undefined) return folder;
  // Such a run is fine but for where it is: it pauses and waits for the folder.
  throw new SourcewrightError('environment', 'The run belongs to a folder that is not open here.', {
    where: root,
    cure: 'Open that folder, then try again.',
  });
}
