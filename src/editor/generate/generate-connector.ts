/** Generate Connector: asks step by step what to build, with a way back from every step, and starts the run. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  InputBoxValidationSeverity,
  QuickPickItemKind,
  Uri,
  window,
  workspace,
  type QuickPickItem,
  type WorkspaceFolder,
} from 'vscode';
import type { Blueprint, Gap, Stream } from '../../blueprint/schema.ts';
import { SourcewrightError } from '../../errors.ts';
import type { Engine, GateName, GatePolicy, RunRequest } from '../../pipeline/contracts.ts';
import { readSettings } from '../settings.ts';
import { findDescriptions } from './find-descriptions.ts';
import { BACK, CANCEL, inputStep, pickStep, type Leave, type StepFrame } from './quick-steps.ts';

/** Answers given beforehand (by a keybinding, another extension or a test). With a `location` nothing is asked. */
export interface GenerateArguments {
  /** What `location` is: a description where absent. */
  readonly kind?: RunRequest['source']['kind'];
  readonly location?: string;
  readonly name?: string;
  readonly streams?: readonly string[];
  readonly gates?: Partial<Record<GateName, GatePolicy>>;
}

/** Reads a description quickly, for the person to choose from. Throws `SourcewrightError`. */
export type Inspect = (location: string, signal: AbortSignal) => Promise<Blueprint>;

interface Answers {
  source?: RunRequest['source'];
  /** Known where the source is a description: only that is read at once. */
  blueprint?: Blueprint;
  name?: string;
  engine?: Engine;
  streams?: string[];
}

const TITLE = 'Generate Connector';
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** The request for a run, or undefined when the person stepped out. Throws `input` where no run is possible here. */
export async function askForRun(
  inspect: Inspect,
  sample: string | undefined,
  given: GenerateArguments | Uri | undefined,
): Promise<RunRequest | undefined> {
  const folder = await chooseFolder();
  if (folder === undefined) return undefined;
  const settings = readSettings(folder);
  const request = (answers: Answers & { source: RunRequest['source'] }): RunRequest => ({
    source: answers.source,
    workspace: folder.uri.fsPath,
    outDir: settings.outDir,
    ...(answers.name === undefined ? {} : { name: answers.name }),
    engine: answers.engine ?? settings.engine,
    ...(answers.streams === undefined ? {} : { streams: answers.streams }),
    gates: settings.gates,
    limits: settings.limits,
    probe: false,
  });

  if (given !== undefined && !(given instanceof Uri) && given.location !== undefined) {
    if (given.name !== undefined && !NAME.test(given.name)) throw badName(given.name);
    const asked = request({
      source: { kind: given.kind ?? 'description', location: given.location },
      ...(given.name === undefined ? {} : { name: given.name }),
      ...(given.streams === undefined ? {} : { streams: [...given.streams] }),
    });
    return { ...asked, gates: { ...asked.gates, ...given.gates } };
  }
  const answers = await walk(
    new Wizard(inspect, sample, settings.outDir),
    given instanceof Uri ? given.fsPath : undefined,
  );
  return answers === undefined ? undefined : request(answers);
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
    : window.showWorkspaceFolderPick({ placeHolder: 'Folder that receives the connector' });
}

/** Goes forwards and backwards through the steps until all are answered or one is left. */
async function walk(
  wizard: Wizard,
  file: string | undefined,
): Promise<(Answers & { source: RunRequest['source'] }) | undefined> {
  const answers: Answers = {};
  let first = file;
  const steps = [
    () => wizard.source(answers, first),
    () => wizard.name(answers),
    () => wizard.engine(answers),
    () => wizard.streams(answers),
  ];
  let at = 0;
  while (at < steps.length) {
    const outcome = await steps[at]?.();
    first = undefined;
    if (outcome === CANCEL) return undefined;
    at = outcome === BACK ? Math.max(0, at - 1) : at + 1;
  }
  const { source } = answers;
  return source === undefined ? undefined : { ...answers, source };
}

type SourceChoice =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'browse' | 'url' | 'docs' | 'name' };
interface SourceItem extends QuickPickItem {
  readonly choice?: SourceChoice;
}

class Wizard {
  readonly #inspect: Inspect;
  readonly #sample: string | undefined;
  readonly #outDir: string;

  constructor(inspect: Inspect, sample: string | undefined, outDir: string) {
    this.#inspect = inspect;
    this.#sample = sample;
    this.#outDir = outDir;
  }

  #frame(step: number, title: string, totalSteps = 4): StepFrame {
    return { title: `${TITLE}: ${title}`, step, totalSteps, back: step > 1 };
  }

  async source(answers: Answers, chosen?: string): Promise<Leave | undefined> {
    const take = async (location: string, signal: AbortSignal): Promise<undefined> => {
      const blueprint = await this.#inspect(location, signal);
      if (blueprint.streams.length === 0) throw noStreams(location);
      takeSource(answers, { kind: 'description', location });
      answers.blueprint = blueprint;
    };
    const outcome = await pickStep<SourceItem, 'url' | 'browse' | 'docs' | 'name' | undefined>({
      ...this.#frame(1, 'what describes the API?'),
      acceptAtOnce: chosen === undefined ? undefined : fileItem(chosen, ''),
      placeholder: 'Choose an OpenAPI or Swagger description',
      items: (show, signal) => this.#sources(show, signal),
      accept: async ([item], signal) => {
        switch (item?.choice?.kind) {
          case 'file':
            return take(item.choice.path, signal);
          case 'browse':
          case 'url':
          case 'docs':
          case 'name':
            return item.choice.kind;
          case undefined:
            throw new SourcewrightError('input', 'Choose what describes the API.');
        }
      },
    });
    if (outcome === 'browse') {
      // The file dialog takes the place of the list; what was chosen comes back into it.
      return this.source(answers, await browse());
    }
    if (outcome === 'docs' || outcome === 'name') {
      const left = await this.#research(answers, outcome);
      return left === BACK ? this.source(answers) : left;
    }
    if (outcome !== 'url') return outcome;
    const url = await inputStep({
      ...this.#frame(1, 'address of the description'),
      back: true,
      prompt: 'URL of an OpenAPI or Swagger description (JSON or YAML)',
      placeholder: 'https://api.example.com/openapi.json',
      validate: (value) => (isHttpUrl(value) ? undefined : 'An address that starts with https:// or http://'),
      accept: take,
    });
    return url === BACK ? this.source(answers) : url;
  }

  /** An address or a name to search with: the run's research does so, and says what it tried when it finds nothing. */
  #research(answers: Answers, kind: 'docs' | 'name'): Promise<Leave | undefined> {
    const before = answers.source?.kind === kind ? answers.source.location : '';
    const accept = (location: string): undefined => {
      takeSource(answers, { kind, location });
    };
    if (kind === 'docs') {
      return inputStep({
        ...this.#frame(1, 'address of the documentation', 3),
        back: true,
        value: before,
        prompt:
          'Searches this page and the usual places of its host for an OpenAPI description; prose is not read',
        placeholder: 'https://developer.example.com/docs',
        validate: (value) =>
          isHttpUrl(value) ? undefined : 'An address that starts with https:// or http://',
        accept,
      });
    }
    return inputStep({
      ...this.#frame(1, 'name of the API', 3),
      back: true,
      value: before,
      prompt: 'Searches this workspace and the bundled sample for a description of that name; not the web',
      placeholder: 'Village Library',
      validate: (value) =>
        /[a-z0-9]/i.test(value) && value.length <= 100
          ? undefined
          : 'A name with letters or digits, at most 100',
      accept,
    });
  }

  async #sources(show: (items: readonly SourceItem[]) => void, signal: AbortSignal): Promise<void> {
    const section = (label: string): SourceItem => ({ label, kind: QuickPickItemKind.Separator });
    const always: SourceItem[] = [
      section('a description'),
      {
        label: '$(folder-opened) Browse…',
        detail: 'A YAML or JSON file on this machine',
        choice: { kind: 'browse' },
      },
      {
        label: '$(link) From a URL…',
        detail: 'Where the API publishes its description',
        choice: { kind: 'url' },
      },
      ...(this.#sample === undefined
        ? []
        : [
            {
              label: '$(beaker) The bundled sample',
              detail: 'To try it out: a description of a real API that comes with Sourcewright',
              choice: { kind: 'file' as const, path: this.#sample },
            },
          ]),
      section('to search for one'),
      {
        label: '$(globe) A documentation page…',
        detail: 'Finds the OpenAPI description that the page or its host offers; prose is not read',
        choice: { kind: 'docs' },
      },
      {
        label: '$(symbol-keyword) Only the name of an API…',
        detail: 'Finds a description of that name in this workspace or the bundled sample; not on the web',
        choice: { kind: 'name' },
      },
    ];
    const found: SourceItem[] = [];
    const search = findDescriptions((file) => {
      found.push(fileItem(file.fsPath, workspace.asRelativePath(file)));
    }, signal);
    const list = (): readonly SourceItem[] =>
      found.length === 0 ? always : [section('found in the workspace'), ...found, ...always];
    // Most searches end before the list could be read: then it comes once and stands still.
    await Promise.race([search, new Promise((resolve) => setTimeout(resolve, 400))]);
    show(list());
    const shown = found.length;
    await search;
    if (found.length > shown) show(list());
  }

  async name(answers: Answers): Promise<Leave | undefined> {
    return inputStep({
      ...this.#frame(2, 'its name', totalSteps(answers)),
      prompt: `Name of the connector for ${answers.blueprint?.api.title ?? 'the API'}; it is written to source-<name>`,
      value: answers.name ?? answers.blueprint?.name ?? '',
      ...(answers.blueprint === undefined ? { placeholder: 'Empty: named after the title of the API' } : {}),
      validate: (value) => {
        if (value === '' && answers.blueprint === undefined) return undefined;
        if (!NAME.test(value)) {
          return 'Small letters, digits and single hyphens, starting with a letter: acme-billing';
        }
        if (!existsSync(join(this.#outDir, `source-${value}`))) return undefined;
        return {
          message: `source-${value} exists: it is generated again. Commit your own changes to it first.`,
          severity: InputBoxValidationSeverity.Warning,
        };
      },
      accept: (value) => {
        if (value === '') delete answers.name;
        else answers.name = value;
        return undefined;
      },
    });
  }

  async engine(answers: Answers): Promise<Leave | undefined> {
    type EngineItem = QuickPickItem & { readonly engine: Engine };
    return pickStep<EngineItem, undefined>({
      ...this.#frame(3, 'engine', totalSteps(answers)),
      placeholder: 'Who does the work?',
      items: [
        {
          label: '$(law) Rules',
          description: 'no key, no cost, seconds',
          detail:
            'Everything that the description states, compiled from tested templates. Always the same result.',
          engine: 'rules',
        },
        {
          label: '$(sparkle) Agents',
          description: 'in a coming version',
          detail:
            'Claude reads the documentation and answers what the rules leave open. Not part of this version.',
          engine: 'agents',
        },
      ],
      picked: ({ engine }) => engine === 'rules',
      accept: ([item]) => {
        if (item?.engine !== 'rules') throw needsAgents();
        answers.engine = item.engine;
        return undefined;
      },
    });
  }

  async streams(answers: Answers): Promise<Leave | undefined> {
    const { blueprint } = answers;
    // Not known before the research: the sensible ones are taken.
    if (blueprint === undefined) return undefined;
    type StreamItem = QuickPickItem & { readonly stream?: Stream };
    const item = (stream: Stream): StreamItem => streamItem(stream, blueprint.gaps);
    const suggested = blueprint.streams.filter((stream) => stream.selected);
    const others = blueprint.streams.filter((stream) => !stream.selected);
    const section = (label: string): StreamItem => ({ label, kind: QuickPickItemKind.Separator });
    return pickStep<StreamItem, undefined>({
      ...this.#frame(4, `streams of ${blueprint.api.title}`),
      placeholder: `${blueprint.streams.length} streams found, ${suggested.length} suggested. Type to filter, Enter to start`,
      items: [
        ...(suggested.length > 0 ? [section('suggested'), ...suggested.map(item)] : []),
        ...(others.length > 0 ? [section('more'), ...others.map(item)] : []),
      ],
      many: true,
      picked: ({ stream }) =>
        stream !== undefined && (answers.streams?.includes(stream.name) ?? stream.selected),
      accept: (chosen) => {
        const streams = chosen.flatMap(({ stream }) => (stream === undefined ? [] : [stream.name]));
        if (streams.length === 0) {
          throw new SourcewrightError('input', 'Pick at least one stream.', {
            cure: 'Tick those that the connector should read.',
          });
        }
        answers.streams = streams;
        return undefined;
      },
    });
  }
}

/** Takes the source; answers that rest on another one are forgotten. */
function takeSource(answers: Answers, source: RunRequest['source']): void {
  if (answers.source?.kind !== source.kind || answers.source.location !== source.location) {
    delete answers.blueprint;
    delete answers.name;
    delete answers.streams;
  }
  answers.source = source;
}

/** Streams can be picked only where the description was read. */
function totalSteps(answers: Answers): number {
  return answers.blueprint === undefined ? 3 : 4;
}

function fileItem(path: string, description: string): SourceItem {
  return { label: `$(file-code) ${basename(path)}`, description, choice: { kind: 'file', path } };
}

function streamItem(stream: Stream, gaps: readonly Gap[]): QuickPickItem & { readonly stream: Stream } {
  const questions = gaps.filter((gap) => gap.stream === stream.name).length;
  const facts = [
    stream.paging.kind === 'none' ? 'one page' : `paged by ${stream.paging.kind.replace('_', ' ')}`,
    stream.primaryKey.length === 0
      ? 'no key known'
      : `key ${stream.primaryKey.map((path) => path.join('.')).join(' + ')}`,
    stream.incremental === undefined ? '' : `incremental by ${stream.incremental.cursorField.join('.')}`,
    stream.parent === undefined ? '' : `for each of ${stream.parent.stream}`,
    questions === 0 ? '' : `${questions} open ${questions === 1 ? 'question' : 'questions'}`,
    stream.omittedBecause ?? '',
  ];
  return {
    label: stream.name,
    description: `${stream.method} ${stream.path}`,
    detail: facts.filter((fact) => fact !== '').join(' · '),
    stream,
  };
}

async function browse(): Promise<string | undefined> {
  const files = await window.showOpenDialog({
    title: 'OpenAPI description',
    openLabel: 'Use This Description',
    canSelectMany: false,
    filters: { 'OpenAPI descriptions': ['yaml', 'yml', 'json'], 'All files': ['*'] },
  });
  return files?.[0]?.fsPath;
}

function isHttpUrl(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}

function noStreams(location: string): SourcewrightError {
  return new SourcewrightError('input', 'The description has nothing that could be read as a stream.', {
    where: location,
    cure: 'A connector reads lists by GET (or by POST searches). Choose a description that has some.',
  });
}

function needsAgents(): SourcewrightError {
  return new SourcewrightError('input', 'The agents engine is not part of this version.', {
    cure: 'Choose an OpenAPI or Swagger description and the engine Rules.',
  });
}
