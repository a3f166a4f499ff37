/** Finds the description that a run is about: given itself, linked from documentation, or by the API's name. */
import { isAbsolute, join, resolve } from 'node:path';
import { SourcewrightError } from '../../errors.ts';
import type { StageContext } from '../../pipeline/contracts.ts';
import type { StageDependencies } from '../dependencies.ts';
import { describedBy, NoDescription } from './documentation-page.ts';
import { filesNamed } from './workspace-search.ts';

export interface FoundDescription {
  /** Absolute path or URL. */
  readonly location: string;
  /** In words; undefined when it was given itself. */
  readonly how: string | undefined;
  /** `host:port` that the person named, where the location is a URL that something else led to. */
  readonly trustedHost: string | undefined;
}

/** Throws `NoDescription` when rules can't find any, `input` when several fit. */
export async function findDescription(
  context: Pick<StageContext, 'request' | 'signal' | 'progress'>,
  dependencies: Pick<StageDependencies, 'templateDir'>,
): Promise<FoundDescription> {
  const { source, workspace } = context.request;
  switch (source.kind) {
    case 'description': {
      const isAddress = /^[a-z][a-z0-9+.-]+:\/\//i.test(source.location) || isAbsolute(source.location);
      const location = isAddress ? source.location : resolve(workspace, source.location);
      return { location, how: undefined, trustedHost: undefined };
    }
    case 'docs':
      return describedBy(source.location, context);
    case 'name':
      return named(source.location, workspace, dependencies.templateDir);
  }
}

async function named(name: string, workspace: string, templateDir: string): Promise<FoundDescription> {
  const inWorkspace = await filesNamed(name, workspace);
  const [first, second] = inWorkspace;
  if (first !== undefined && (second === undefined || first.score > second.score)) {
    return {
      location: first.path,
      how: `a file of the workspace that fits the name "${name}"`,
      trustedHost: undefined,
    };
  }
  if (first !== undefined) {
    const paths = inWorkspace.filter(({ score }) => score === first.score).map(({ path }) => path);
    throw new SourcewrightError('input', `Several files of the workspace fit the name "${name}".`, {
      where: paths.slice(0, 5).join(', '),
      cure: 'Give the one that you mean.',
    });
  }
  // Beside the built template, or in a checkout.
  for (const folder of [join(templateDir, '..', 'sample'), join(templateDir, '..', '..', '..', 'sample')]) {
    const [sample] = await filesNamed(name, folder);
    if (sample !== undefined) {
      return {
        location: sample.path,
        how: `the sample that comes with Sourcewright`,
        trustedHost: undefined,
      };
    }
  }
  throw new NoDescription('input', `Rules can't research "${name.slice(0, 100)}" by its name alone.`, {
    where: name.slice(0, 100),
    cure:
      'Give the API\'s OpenAPI or Swagger description (a file or a URL; search for "<name> openapi.json"), ' +
      'or the address of its documentation. The engine "agents" researches by name.',
  });
}
