/** The first step: what describes the API. A description, or what leads to one, or what agents can read instead. */
import { basename } from 'node:path';
import { QuickPickItemKind, window, workspace, type QuickPickItem } from 'vscode';
import type { Blueprint } from '../../blueprint/schema.ts';
import { SourcewrightError } from '../../errors.ts';
import { frame, takeSource, type Answers } from './answers.ts';
import { findDescriptions } from './find-descriptions.ts';
import { BACK, inputStep, pickStep, type Leave } from './quick-steps.ts';
import { t } from '../l10n.ts';

/** Reads a description quickly, for the person to choose from. Throws `SourcewrightError`. */
export type Inspect = (location: string, signal: AbortSignal) => Promise<Blueprint>;

type SourceChoice =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'browse' | 'url' | 'docs' | 'name' };
interface SourceItem extends QuickPickItem {
  readonly choice?: SourceChoice;
}

export class SourceStep {
  readonly #inspect: Inspect;
  readonly #sample: string | undefined;

  constructor(inspect: Inspect, sample: string | undefined) {
    this.#inspect = inspect;
    this.#sample = sample;
  }

  async ask(answers: Answers, chosen?: string): Promise<Leave | undefined> {
    const take = async (location: string, signal: AbortSignal): Promise<undefined> => {
      const blueprint = await this.#inspect(location, signal);
      if (blueprint.streams.length === 0) throw noStreams(location);
      takeSource(answers, { kind: 'description', location });
      answers.blueprint = blueprint;
    };
    const outcome = await pickStep<SourceItem, 'url' | 'browse' | 'docs' | 'name' | undefined>({
      ...frame(1, t('what describes the API?')),
      acceptAtOnce: chosen === undefined ? undefined : fileItem(chosen, ''),
      placeholder: t('Choose an OpenAPI or Swagger description'),
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
      return this.ask(answers, await browse());
    }
    if (outcome === 'docs' || outcome === 'name') {
      const left = await this.#research(answers, outcome);
      return left === BACK ? this.ask(answers) : left;
    }
    if (outcome !== 'url') return outcome;
    const url = await inputStep({
      ...frame(1, t('address of the description')),
      back: true,
      prompt: t('URL of an OpenAPI or Swagger description (JSON or YAML)'),
      placeholder: 'https://api.example.com/openapi.json',
      validate: (value) =>
        isHttpUrl(value) ? undefined : t('An address that starts with https:// or http://'),
      accept: take,
    });
    return url === BACK ? this.ask(answers) : url;
  }

  /** An address or a name to search with: the run's research does so, and says what it tried when it finds nothing. */
  #research(answers: Answers, kind: 'docs' | 'name'): Promise<Leave | undefined> {
    const before = answers.source?.kind === kind ? answers.source.location : '';
    const accept = (location: string): undefined => {
      takeSource(answers, { kind, location });
    };
    if (kind === 'docs') {
      return inputStep({
        ...frame(1, t('address of the documentation'), 3),
        back: true,
        value: before,
        prompt: t(
          'Rules search this page and its host for an OpenAPI description; agents also read what it says',
        ),
        placeholder: 'https://developer.example.com/docs',
        validate: (value) =>
          isHttpUrl(value) ? undefined : t('An address that starts with https:// or http://'),
        accept,
      });
    }
    return inputStep({
      ...frame(1, t('name of the API'), 3),
      back: true,
      value: before,
      prompt: t('Agents search the web for it; rules search only this workspace and the bundled sample'),
      placeholder: t('Village Library'),
      validate: (value) =>
        /[a-z0-9]/i.test(value) && value.length <= 100
          ? undefined
          : t('A name with letters or digits, at most 100'),
      accept,
    });
  }

  async #sources(show: (items: readonly SourceItem[]) => void, signal: AbortSignal): Promise<void> {
    const section = (label: string): SourceItem => ({ label, kind: QuickPickItemKind.Separator });
    const always: SourceItem[] = [
      section(t('a description')),
      {
        label: `$(folder-opened) ${t('Browse…')}`,
        detail: t('A YAML or JSON file on this machine'),
        choice: { kind: 'browse' },
      },
      {
        label: `$(link) ${t('From a URL…')}`,
        detail: t('Where the API publishes its description'),
        choice: { kind: 'url' },
      },
      ...(this.#sample === undefined
        ? []
        : [
            {
              label: `$(beaker) ${t('The bundled sample')}`,
              detail: t('To try it out: a description of a real API that comes with Sourcewright'),
              choice: { kind: 'file' as const, path: this.#sample },
            },
          ]),
      section(t('without one: for agents')),
      {
        label: `$(globe) ${t('A documentation page…')}`,
        detail: t(
          'Agents read it. Rules take the OpenAPI description that the page or its host offers, if any',
        ),
        choice: { kind: 'docs' },
      },
      {
        label: `$(symbol-keyword) ${t('Only the name of an API…')}`,
        detail: t('Agents find its documentation. Rules look for a description in this workspace only'),
        choice: { kind: 'name' },
      },
    ];
    const found: SourceItem[] = [];
    const search = findDescriptions((file) => {
      found.push(fileItem(file.fsPath, workspace.asRelativePath(file)));
    }, signal);
    const list = (): readonly SourceItem[] =>
      found.length === 0 ? always : [section(t('found in the workspace')), ...found, ...always];
    // Most searches end before the list could be read: then it comes once and stands still.
    await Promise.race([search, new Promise((resolve) => setTimeout(resolve, 400))]);
    show(list());
    const shown = found.length;
    await search;
    if (found.length > shown) show(list());
  }
}

function fileItem(path: string, description: string): SourceItem {
  return { label: `$(file-code) ${basename(path)}`, description, choice: { kind: 'file', path } };
}

async function browse(): Promise<string | undefined> {
  const files = await window.showOpenDialog({
    title: t('OpenAPI description'),
    openLabel: t('Use This Description'),
    canSelectMany: false,
    filters: { [t('OpenAPI descriptions')]: ['yaml', 'yml', 'json'], [t('All files')]: ['*'] },
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
