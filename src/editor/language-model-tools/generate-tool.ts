/** `sourcewright_generate`: starts a run for a model, once the person has confirmed what that means. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import {
  MarkdownString,
  workspace,
  type CancellationToken,
  type LanguageModelTool,
  type LanguageModelToolInvocationOptions,
  type LanguageModelToolInvocationPrepareOptions,
  type LanguageModelToolResult,
  type PreparedToolInvocation,
} from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { Engine, RunView } from '../../pipeline/contracts.ts';
import type { GenerateArguments } from '../generate/generate-connector.ts';
import { markdownText, runName, unlinked } from '../present.ts';
import { readAgentSettings, readSettings } from '../settings.ts';
import { cost } from '../usage-words.ts';
import type { RunService } from '../run-service.ts';
import { told } from './for-model.ts';
import type { Around, GenerateInput } from './inputs.ts';
import { t, text } from '../l10n.ts';

export interface GenerateServices {
  readonly runs: RunService;
  readonly sample: string | undefined;
  /** Starts a run with answers given beforehand; undefined where the person stepped out. Throws `SourcewrightError`. */
  readonly generate: (given: GenerateArguments) => Promise<string | undefined>;
}

/** How long the tool waits for the run to stand still; what takes longer is asked for by the status tool. Milliseconds. */
const WAIT_MS = 60_000;

export class GenerateTool implements LanguageModelTool<object> {
  readonly #services: GenerateServices;
  readonly #waitMs: number;

  constructor(services: GenerateServices, waitMs = WAIT_MS) {
    this.#services = services;
    this.#waitMs = waitMs;
  }

  async prepareInvocation({
    input,
  }: LanguageModelToolInvocationPrepareOptions<object>): Promise<PreparedToolInvocation> {
    let asked: GenerateInput;
    try {
      asked = await this.#read(input);
    } catch {
      // Nothing will be done, so nothing is confirmed: `invoke` tells the model what is wrong.
      return { invocationMessage: t('Sourcewright: checking the input') };
    }
    const message = new MarkdownString(confirmation(asked));
    return {
      invocationMessage: unlinked(t('Sourcewright: generating a connector for {0}', shortName(asked))),
      confirmationMessages: { title: t('Generate a connector?'), message },
    };
  }

  invoke(
    { input }: LanguageModelToolInvocationOptions<object>,
    token: CancellationToken,
  ): Promise<LanguageModelToolResult> {
    return told(async () => {
      const { source, name, engine, streams } = await this.#read(input);
      if (!workspace.isTrusted) throw untrusted();
      const runId = await this.#services.generate({
        kind: source.kind,
        location: source.location,
        ...(name === undefined ? {} : { name }),
        ...(engine === undefined ? {} : { engine }),
        ...(streams === undefined ? {} : { streams }),
      });
      if (runId === undefined)
        throw new SourcewrightError('cancelled', 'The person stepped out; no run was started.');
      const view = await this.#standing(runId, token);
      const { runWords } = await this.#services.runs.engine();
      return `${started(view)}\n${runWords.runText(view, await this.#services.runs.review(runId))}`;
    });
  }

  async #read(input: unknown): Promise<GenerateInput> {
    const around: Around = {
      folders: (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
      sample: this.#services.sample,
      exists: existsSync,
    };
    const { modelInputs } = await this.#services.runs.engine();
    return modelInputs.readGenerateInput(input, around);
  }

  /** The run as soon as it stands still; as it is where that takes too long or the model no longer waits. */
  async #standing(runId: string, token: CancellationToken): Promise<RunView> {
    const { runs } = this.#services;
    const now = (): RunView | undefined => runs.entry(runId)?.view;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        listener.dispose();
        cancelled.dispose();
        resolve();
      };
      const timer = setTimeout(done, this.#waitMs);
      const listener = runs.onDidChange(() => {
        if (now()?.status !== 'running') done();
      });
      const cancelled = token.onCancellationRequested(done);
      if (now()?.status !== 'running' || token.isCancellationRequested) done();
    });
    const view = now();
    if (view === undefined) throw new SourcewrightError('corrupt', `The folder of run ${runId} is gone.`);
    return view;
  }
}

function started(view: RunView): string {
  return view.status === 'running'
    ? `Started. ${runName(view)} is still being made; ask sourcewright_status in a minute.`
    : 'Started.';
}

function untrusted(): SourcewrightError {
  return new SourcewrightError('cancelled', 'This workspace is not trusted, so nothing is generated in it.', {
    cure: 'Only the person can trust it, with "Workspaces: Manage Workspace Trust".',
  });
}

function shortName({ source, name }: GenerateInput): string {
  return name ?? (source.kind === 'description' ? basename(source.location) : source.location);
}

const GENERATED_FROM: Record<GenerateInput['source']['kind'], string> = {
  description: text('A Python connector is generated from the description {0}.'),
  docs: text('A Python connector is generated from the documentation at {0}.'),
  name: text('A Python connector is generated from what is found for the name {0}.'),
};

/** What the person agrees to: what is read, where it is written, what runs, and what it may cost. */
function confirmation({ source, name, engine, streams }: GenerateInput): string {
  const folder = workspace.workspaceFolders?.[0];
  const settings = folder === undefined ? undefined : readSettings(folder);
  const outDir = settings === undefined ? 'connectors' : workspace.asRelativePath(settings.outDir, false);
  const which =
    streams === undefined ? '' : ` ${t('It reads the streams {0}.', streams.map(markdownText).join(', '))}`;
  return [
    `${t(GENERATED_FROM[source.kind], markdownText(source.location))}${which}`,
    t(
      'It is written to `{0}`, and the run to `.sourcewright`; a connector of that name is generated again. Its packages are installed and its tests run on this machine. Gates ask you as your settings say.',
      `${outDir.replaceAll('`', '')}/source-${name ?? '<name>'}`,
    ),
    costs(engine ?? settings?.engine ?? 'rules'),
  ].join('\n\n');
}

function costs(engine: Engine): string {
  if (engine === 'rules') return t('It works by rules: no model is asked, and it costs nothing.');
  return t(
    'It works with **agents**: what they read is sent to the Anthropic API, and **it costs money**, at most {0} before the run pauses.',
    cost(readAgentSettings().budgetUsd),
  );
}
