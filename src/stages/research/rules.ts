/** Research by rules: from a description to a brief, without a model, the same each time. */
import { isAbsolute, relative } from 'node:path';
import { z } from 'zod';
import type { Blueprint } from '../../blueprint/schema.ts';
import { SourcewrightError } from '../../errors.ts';
import { isUrl } from '../../openapi/load.ts';
import { researchDescription } from '../../openapi/research.ts';
import { HTML_PAGE } from '../../openapi/text.ts';
import type { Brief, ResearchResult, Stage, StageContext } from '../../pipeline/contracts.ts';
import type { StageDependencies } from '../dependencies.ts';
import { briefMarkdown } from './brief-markdown.ts';
import { applyCorrections, Corrections, CORRECTIONS_FILE, type Correction } from './corrections.ts';
import { describedBy } from './documentation-page.ts';
import { findDescription, type FoundDescription } from './find-description.ts';
import { probeApi, type ProbeOutcome } from './probe.ts';

/** Streams named in an error when the one asked for is not there. */
const NAMES_IN_ERROR = 12;

/** Writes `brief.json` and `brief.md`. Throws `input` or `remote` when there is nothing to work on. */
export function createRulesResearch(dependencies: StageDependencies): Stage<'research'> {
  return {
    name: 'research',
    async run(context) {
      const { found, blueprint: researched } = await findAndResearch(context, dependencies);
      assertReadable(researched, context.request.streams);
      const corrections = await readCorrections(context);
      const probe = await probed(researched, context, dependencies);
      const { blueprint, applied } = applyCorrections(probe.blueprint, corrections.list);
      assertSelection(blueprint);
      const brief: Brief = { schemaVersion: 1, blueprint, probes: [...probe.probes] };
      const notes = {
        found: found.how,
        feedback: corrections.words,
        corrections: applied,
        probe: probe.note,
      };
      await context.writeArtifact('brief.json', brief);
      await context.writeArtifact('brief.md', briefMarkdown(brief, notes));
      return { status: 'done', result: resultOf(blueprint) };
    },
  };
}

/** A URL that turns out to be a page of documentation is searched for a link to the description. */
async function findAndResearch(
  context: StageContext,
  dependencies: StageDependencies,
): Promise<{ found: FoundDescription; blueprint: Blueprint }> {
  const found = await findDescription(context, dependencies);
  try {
    return { found, blueprint: await research(found, context, dependencies) };
  } catch (error) {
    const isPage =
      error instanceof SourcewrightError && error.code === 'input' && error.message.includes(HTML_PAGE);
    if (!isPage || found.how !== undefined || !isUrl(found.location)) throw error;
    const linked = await describedBy(found.location, context);
    return { found: linked, blueprint: await research(linked, context, dependencies) };
  }
}

async function research(
  found: FoundDescription,
  context: StageContext,
  dependencies: StageDependencies,
): Promise<Blueprint> {
  const { request, signal } = context;
  context.progress(`Reading ${found.location}`);
  const blueprint = await researchDescription(found.location, {
    signal,
    worker: dependencies.descriptionWorker,
    root: request.workspace,
    trustedHost: found.trustedHost,
    ...(request.name === undefined ? {} : { name: request.name }),
    ...(request.streams === undefined ? {} : { streams: request.streams }),
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

function assertReadable(blueprint: Blueprint, asked: readonly string[] | undefined): void {
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

function assertSelection(blueprint: Blueprint): void {
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

interface ReadCorrections {
  readonly list: readonly Correction[];
  /** Feedback that is no list of corrections. */
  readonly words: string | undefined;
}

/** Corrections from the file, then those that the feedback itself holds; these are added to the file for the next time. */
async function readCorrections(context: StageContext): Promise<ReadCorrections> {
  const stored = parseCorrections(await readCorrectionsFile(context), CORRECTIONS_FILE);
  const text = context.feedback?.text.trim() ?? '';
  if (text === '') return { list: stored, words: undefined };
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return { list: stored, words: text };
  }
  const list = [...stored, ...parseCorrections(Array.isArray(given) ? given : [given], 'your feedback')];
  await context.writeArtifact(CORRECTIONS_FILE, list);
  return { list, words: undefined };
}

async function readCorrectionsFile(context: StageContext): Promise<unknown> {
  try {
    return (await context.readArtifact(CORRECTIONS_FILE, z.unknown())) ?? [];
  } catch (error) {
    if (!(error instanceof SourcewrightError) || error.code !== 'corrupt') throw error;
    throw new SourcewrightError('input', 'The corrections are not valid JSON.', {
      where: CORRECTIONS_FILE,
      cure: "Mend the file in the run's folder, or delete it.",
      cause: error,
    });
  }
}

function parseCorrections(value: unknown, where: string): Correction[] {
  const parsed = Corrections.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SourcewrightError(
    'input',
    `The corrections have the wrong form: ${z.prettifyError(parsed.error).replace(/\s+/g, ' ')}`,
    {
      where,
      cure: 'Write a list of {"stream": …, "fact": …, "value": …}; the end of brief.md shows examples.',
    },
  );
}

async function probed(
  blueprint: Blueprint,
  context: StageContext,
  dependencies: StageDependencies,
): Promise<ProbeOutcome> {
  if (!context.request.probe) return { blueprint, probes: [], note: undefined };
  if (
    dependencies.credentials === undefined &&
    blueprint.auth[0]?.parts.every((part) => part.kind === 'none') !== true
  ) {
    return {
      blueprint,
      probes: [],
      note: 'The probe was asked for but no credentials were given, so the API was not asked.',
    };
  }
  return probeApi(blueprint, {
    credentials: dependencies.credentials ?? {},
    signal: context.signal,
    progress: (message) => {
      context.progress(message);
    },
  });
}

function resultOf(blueprint: Blueprint): ResearchResult {
  return {
    title: blueprint.api.title,
    connectorName: blueprint.name,
    streams: blueprint.streams.filter((stream) => stream.selected).length,
    gaps: blueprint.gaps.length,
    problems: blueprint.problems.length,
  };
}
