/** From what the person gave to the blueprint that rules make of it: what both engines begin with. */
import { isAbsolute, relative } from 'node:path';
import type { Blueprint } from '../../blueprint/schema.ts';
import { SourcewrightError } from '../../errors.ts';
import { isUrl } from '../../openapi/load.ts';
import { HTML_PAGE } from '../../openapi/text.ts';
import type { StageContext } from '../../pipeline/contracts.ts';
import type { StageDependencies } from '../dependencies.ts';
import { describedBy } from './documentation-page.ts';
import { findDescription, type FoundDescription } from './find-description.ts';
import { readSource } from './read-source.ts';

/** Streams named in an error when the one asked for is not there. */
const NAMES_IN_ERROR = 12;

export interface DescribedApi {
  readonly found: FoundDescription;
  readonly blueprint: Blueprint;
}

type Context = Pick<StageContext, 'request' | 'signal' | 'progress'>;
type Dependencies = Pick<StageDependencies, 'templateDir' | 'descriptionWorker'>;

/**
 * Finds the description and reads it; a URL that turns out to be a page of documentation is searched for a link to it.
 * Throws `NoDescription` where rules find none, `input` or `remote` for one that can't be read.
 */
export async function describedApi(context: Context, dependencies: Dependencies): Promise<DescribedApi> {
  const found = await findDescription(context, dependencies);
  try {
    return { found, blueprint: await readByRules(found, context, dependencies) };
  } catch (error) {
    const isPage =
      error instanceof SourcewrightError && error.code === 'input' && error.message.includes(HTML_PAGE);
    if (!isPage || found.how !== undefined || !isUrl(found.location)) throw error;
    const linked = await describedBy(found.location, context);
    return { found: linked, blueprint: await readByRules(linked, context, dependencies) };
  }
}

/** What rules make of one description. `streams` are those to select, by default those that the person asked for. */
export async function readByRules(
  found: FoundDescription,
  context: Context,
  dependencies: Pick<StageDependencies, 'descriptionWorker'>,
  streams: readonly string[] | undefined = context.request.streams,
): Promise<Blueprint> {
  const { request, signal } = context;
  context.progress(`Reading ${found.location}`);
  const blueprint = await readSource(found.location, {
    signal,
    worker: dependencies.descriptionWorker,
    root: request.workspace,
    trustedHost: found.trustedHost,
    ...(request.name === undefined ? {} : { name: request.name }),
    ...(streams === undefined ? {} : { streams: [...streams] }),
  });
  const read = blueprint.source.location;
  const location = insideWorkspace(read, request.workspace);
  const problems = blueprint.problems.map((one) =>
    one.document === read ? { ...one, document: location } : one,
  );
  return { ...blueprint, source: { ...blueprint.source, location }, problems };
}

/** A file of the workspace is named as seen from there, so that the brief means the same on another machine. */
function insideWorkspace(location: string, workspace: string): string {
  if (!isAbsolute(location)) return location;
  const path = relative(workspace, location);
  return path.startsWith('..') || isAbsolute(path) ? location : path.replaceAll('\\', '/');
}

/** Throws `input` where the description has nothing to read, or not what was asked for. */
export function assertReadable(blueprint: Blueprint, asked: readonly string[] | undefined): void {
  const where = blueprint.source.location;
  const names = blueprint.streams.map((stream) => stream.name);
  if (names.length === 0) {
    throw new SourcewrightError('input', 'The description has no request that reads a list of records.', {
      where,
      place: '/paths',
      cure: 'Give the description of an API with GET requests that return data. `sourcewright inspect` shows what was found.',
    });
  }
  const unknown = asked?.filter((name) => !names.includes(name)) ?? [];
  if (unknown.length > 0) {
    const listed = names.slice(0, NAMES_IN_ERROR).join(', ');
    const more = names.length > NAMES_IN_ERROR ? ` and ${names.length - NAMES_IN_ERROR} more` : '';
    throw new SourcewrightError(
      'input',
      `The API has no stream named ${unknown.map((name) => `"${name}"`).join(', ')}.`,
      {
        where,
        cure: `There are: ${listed}${more}. \`sourcewright inspect\` lists all.`,
      },
    );
  }
}

/** Throws `input` where nothing is left to generate. */
export function assertSelection(blueprint: Blueprint): void {
  if (blueprint.streams.some((stream) => stream.selected)) return;
  const reasons = [...new Set(blueprint.streams.map((stream) => stream.omittedBecause ?? 'not selected'))];
  throw new SourcewrightError(
    'input',
    `None of the API's ${blueprint.streams.length} streams can be read as it stands.`,
    {
      where: blueprint.source.location,
      place: '/paths',
      cure: `Name the streams to read. They were left out because: ${reasons.slice(0, 3).join('; ')}.`,
    },
  );
}
