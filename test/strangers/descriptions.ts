/** What the judges share: the APIs that a person wrote down, and where their descriptions are. */
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { TrueApi } from './contracts.ts';

const CredentialKinds = z.object({
  connectionSpecification: z.object({
    properties: z.object({
      credentials: z
        .object({
          oneOf: z
            .array(
              z.object({
                properties: z.record(z.string(), z.object({ const: z.string().optional() })),
                required: z.array(z.string()).optional(),
              }),
            )
            .optional(),
        })
        .optional(),
    }),
  }),
});

/**
 * The APIs in a folder: those named, or all whose description is at hand. Descriptions named `npm:` come from development
 * dependencies, the others from the corpus.
 */
export async function chosenApis(
  folder: string,
  names: readonly string[],
  corpus: string | undefined,
): Promise<TrueApi[]> {
  const apis: TrueApi[] = [];
  for (const file of (await readdir(folder)).sort()) {
    const api = TrueApi.parse(JSON.parse(await readFile(join(folder, file), 'utf8')));
    const chosen =
      names.length === 0
        ? api.description.startsWith('npm:') || corpus !== undefined
        : names.includes(api.name);
    if (chosen) apis.push(api);
  }
  return apis;
}

/** Where an API's description is. Throws where it is in a corpus and none was given. */
export function descriptionPath(api: TrueApi, corpus: string | undefined): string {
  if (api.description.startsWith('npm:')) {
    const [, scope, name, ...rest] = /^npm:(@[^/]+)\/([^/]+)\/(.*)$/.exec(api.description) ?? [];
    const manifest = createRequire(import.meta.url).resolve(`${scope ?? ''}/${name ?? ''}/package.json`);
    return join(manifest, '..', ...rest);
  }
  if (corpus === undefined) throw new Error(`${api.name}: give --corpus DIR (or SOURCEWRIGHT_CORPUS)`);
  return join(corpus, api.description);
}

/** The configuration with the tag of the credentials' kind that takes the given fields, as a person picks it in a form. */
export function withAuthType(config: Record<string, unknown>, spec: unknown): Record<string, unknown> {
  const given = config['credentials'];
  if (typeof given !== 'object' || given === null) return config;
  const kinds =
    CredentialKinds.safeParse(spec).data?.connectionSpecification.properties.credentials?.oneOf ?? [];
  const fits = kinds.find((kind) => {
    const names = Object.keys(given);
    return (
      names.every((name) => name in kind.properties) &&
      (kind.required ?? []).every((name) => name === 'auth_type' || names.includes(name))
    );
  });
  const tag = fits?.properties['auth_type']?.const;
  return tag === undefined ? config : { ...config, credentials: { auth_type: tag, ...given } };
}
