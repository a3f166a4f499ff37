/** Generate Connector: asks step by step what to build, with a way back from every step, and starts the run. */
import { Uri, window, workspace, type WorkspaceFolder } from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { Engine, GateName, GatePolicy, RunRequest } from '../../pipeline/contracts.ts';
import { optionsOf } from '../agents/agent-choices.ts';
import { readAgentSettings, readSettings } from '../settings.ts';
import { NAME, type Answers } from './answers.ts';
import { EngineStep, type EngineSurroundings } from './engine-step.ts';
import { askName } from './name-step.ts';
import { BACK, CANCEL, type Leave } from './quick-steps.ts';
import { SourceStep, type Inspect } from './source-step.ts';
import { askStreams } from './stream-step.ts';
import { t } from '../l10n.ts';

/** Answers given beforehand (by a keybinding, another extension or a test). With a `location` nothing is asked. */
export interface GenerateArguments {
  /** What `location` is: a description where absent. */
  readonly kind?: RunRequest['source']['kind'];
  readonly location?: string;
  readonly name?: string;
  /** By default the setting's. */
  readonly engine?: Engine;
  readonly streams?: readonly string[];
  readonly gates?: Partial<Record<GateName, GatePolicy>>;
}

/** What the wizard finds around it. */
export interface Surroundings extends EngineSurroundings {
  readonly inspect: Inspect;
  /** The bundled sample's description, where it was built in. */
  readonly sample: string | undefined;
}

type Complete = Answers & { readonly source: RunRequest['source'] };

/** The request for a run, or undefined when the person stepped out. Throws `input` where no run is possible here. */
export async function askForRun(
  around: Surroundings,
  given: GenerateArguments | Uri | undefined,
): Promise<RunRequest | undefined> {
  const folder = await chooseFolder();
  if (folder === undefined) return undefined;
  const settings = readSettings(folder);
  const request = (answers: Complete, engine: Engine): RunRequest => ({
    source: answers.source,
    workspace: folder.uri.fsPath,
    outDir: settings.outDir,
    ...(answers.name === undefined ? {} : { name: answers.name }),
    engine,
    ...(engine === 'agents' ? { agents: optionsOf(readAgentSettings()) } : {}),
    ...(answers.streams === undefined ? {} : { streams: answers.streams }),
    gates: settings.gates,
    limits: settings.limits,
    probe: false,
  });

  if (given !== undefined && !(given instanceof Uri) && given.location !== undefined) {
    if (given.name !== undefined && !NAME.test(given.name)) throw badName(given.name);
    const answers: Complete = {
      source: { kind: given.kind ?? 'description', location: given.location },
      ...(given.name === undefined ? {} : { name: given.name }),
      ...(given.streams === undefined ? {} : { streams: [...given.streams] }),
    };
    const asked = request(answers, given.engine ?? settings.engine);
    return { ...asked, gates: { ...asked.gates, ...given.gates } };
  }
  const sources = new SourceStep(around.inspect, around.sample);
  const engines = new EngineStep(around, settings.engine, settings.limits);
  let file = given instanceof Uri ? given.fsPath : undefined;
  const answers = await walk([
    (so) => {
      const first = file;
      file = undefined;
      return sources.ask(so, first);
    },
    (so) => askName(so, settings.outDir),
    (so) => engines.ask(so),
    askStreams,
  ]);
  return answers === undefined ? undefined : request(answers, answers.engine ?? settings.engine);
}

function badName(name: string): SourcewrightError {
  return new SourcewrightError('input', `"${name}" is not a valid connector name.`, {
    cure: 'Use small letters, digits and single hyphens, starting with a letter: "acme-billing".',
  });
}

async function chooseFolder(): Promise<WorkspaceFolder | undefined> {
  const folders = workspace.workspaceFolders?.filter((folder) => folder.uri.scheme === 'file') ?? [];
  if (folders.length === 0) {
    throw new SourcewrightError('input', 'Open a folder first: the connector is written into it.', {
      cure: 'Use File: Open Folder, then run Generate Connector again.',
    });
  }
  return folders.length === 1
    ? folders[0]
    : window.showWorkspaceFolderPick({ placeHolder: t('Folder that receives the connector') });
}

type Step = (answers: Answers) => Promise<Leave | undefined>;

/** Goes forwards and backwards through the steps until all are answered or one is left. */
async function walk(steps: readonly Step[]): Promise<Complete | undefined> {
  const answers: Answers = {};
  let at = 0;
  while (at < steps.length) {
    const outcome = await steps[at]?.(answers);
    if (outcome === CANCEL) return undefined;
    at = outcome === BACK ? Math.max(0, at - 1) : at + 1;
  }
  const { source } = answers;
  return source === undefined ? undefined : { ...answers, source };
}
