/** Reads what a model handed to a tool. Nothing is taken on trust: a schema is a wish, and models don't always keep it. */
import { resolve } from 'node:path';
import { SourcewrightError } from '../../errors.ts';
import type { Engine, RunRequest } from '../../pipeline/contracts.ts';
import { NAME } from '../generate/answers.ts';
import { pathInside } from '../paths.ts';

/** What `sourcewright_generate` is asked for. */
export interface GenerateInput {
  readonly source: RunRequest['source'];
  readonly name: string | undefined;
  /** Undefined = the setting's. */
  readonly engine: Engine | undefined;
  readonly streams: readonly string[] | undefined;
}

/** What inputs are read against. */
export interface Around {
  /** Folders that are open, absolute. */
  readonly folders: readonly string[];
  /** The bundled sample's description. */
  readonly sample: string | undefined;
  readonly exists: (path: string) => boolean;
}

/** What `source` names to mean the bundled sample. */
export const SAMPLE = 'sample';
const KINDS = ['description', 'docs', 'name'] as const;
const ENGINES = ['rules', 'agents'] as const;
const MOST_STREAMS = 200;

/** @throws SourcewrightError `input`, worded for the model that has to do better */
export function readGenerateInput(input: unknown, around: Around): GenerateInput {
  const given = fields(input, ['source', 'kind', 'name', 'engine', 'streams']);
  const source = text(given, 'source');
  if (source === undefined) {
    throw wrong(
      '"source" is missing.',
      'Give the path or URL of an OpenAPI description, or the name of an API.',
    );
  }
  const name = text(given, 'name')?.replace(/^source-/, '');
  if (name !== undefined && !NAME.test(name)) {
    throw wrong(
      `"name" can't be "${name}".`,
      'Use small letters, digits and single hyphens: "acme-billing".',
    );
  }
  return {
    source: sourceOf(source, oneOf(given, 'kind', KINDS), around),
    name,
    engine: oneOf(given, 'engine', ENGINES),
    streams: texts(given, 'streams'),
  };
}

/** What names a run, and perhaps one of its findings. */
export interface RunInput {
  readonly run: string | undefined;
  readonly finding: string | undefined;
}

/** @throws SourcewrightError `input`, worded for the model */
export function readRunInput(input: unknown, known: readonly ('run' | 'finding')[]): RunInput {
  const given = fields(input ?? {}, known);
  return { run: text(given, 'run'), finding: text(given, 'finding') };
}

type Kind = RunRequest['source']['kind'];

function sourceOf(location: string, kind: Kind | undefined, around: Around): RunRequest['source'] {
  if (location === SAMPLE && kind !== 'name' && around.sample !== undefined) {
    return { kind: 'description', location: around.sample };
  }
  if (/^https?:\/\//i.test(location)) return { kind: webKind(location, kind), location };
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(location)) {
    throw wrong(`Addresses like "${location}" are not read.`, 'Use https:// or a file in the workspace.');
  }
  if (kind === 'docs')
    throw wrong('Documentation is read from an address.', 'Give one that starts with https://.');
  const isFile = kind === 'description' || /[\\/]|\.(json|ya?ml)$/i.test(location);
  if (kind !== 'name' && isFile) return { kind: 'description', location: fileOf(location, around) };
  if (location.length > 100 || !/[a-z0-9]/i.test(location)) {
    throw wrong(
      `"${location.slice(0, 100)}" is not the name of an API.`,
      'A name has letters or digits, at most 100.',
    );
  }
  return { kind: 'name', location };
}

function webKind(location: string, kind: Kind | undefined): Kind {
  if (!URL.canParse(location)) throw wrong(`"${location}" is not an address.`, 'Correct it.');
  if (kind === 'name') throw wrong('An address is not the name of an API.', 'Leave "kind" out.');
  if (kind !== undefined) return kind;
  const { pathname } = new URL(location);
  return /\.(json|ya?ml)$|openapi|swagger/i.test(pathname) ? 'description' : 'docs';
}

/** A file of the workspace: what else is on the machine is no business of a model's. */
function fileOf(location: string, { folders, exists }: Around): string {
  for (const folder of folders) {
    const path = resolve(folder, location);
    const inside = pathInside(folder, path);
    if (inside !== undefined && inside !== '' && exists(path)) return path;
  }
  throw wrong(
    `There is no file "${location}" in this workspace.`,
    'Look for the description in the workspace, give its URL, or ask the person to put it there.',
  );
}

function fields(input: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw wrong('The input is not an object.', `It has the fields ${known.join(', ')}.`);
  }
  const given = input as Readonly<Record<string, unknown>>;
  const strange = Object.keys(given).filter((name) => !known.includes(name));
  if (strange.length > 0) {
    throw wrong(
      `There is no field ${strange.map((name) => `"${name}"`).join(', ')}.`,
      `Known are ${known.join(', ')}.`,
    );
  }
  return given;
}

/** An empty text is one that was left out. */
function text(given: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = given[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrong(`"${name}" is not a text.`, 'Give a string.');
  return value.trim() === '' ? undefined : value.trim();
}

function texts(given: Readonly<Record<string, unknown>>, name: string): readonly string[] | undefined {
  const value: unknown = given[name];
  if (value === undefined || value === null) return undefined;
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const words = list.filter((entry) => typeof entry === 'string' && entry.trim() !== '') as string[];
  if (words.length !== list.length || list.length > MOST_STREAMS) {
    throw wrong(
      `"${name}" is not a list of names.`,
      `Give at most ${MOST_STREAMS} strings, or leave it out.`,
    );
  }
  return words.length === 0 ? undefined : words.map((word) => word.trim());
}

function oneOf<T extends string>(
  given: Readonly<Record<string, unknown>>,
  name: string,
  values: readonly T[],
): T | undefined {
  const value = text(given, name);
  const found = values.find((candidate) => candidate === value);
  if (value === undefined || found !== undefined) return found;
  throw wrong(`"${name}" can't be "${value}".`, `It is one of ${values.join(', ')}.`);
}

function wrong(what: string, cure: string): SourcewrightError {
  return new SourcewrightError('input', what, { cure });
}
