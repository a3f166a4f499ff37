/** What the judges share: the APIs that a person wrote down, and where their descriptions are. */
import { existsSync } from 'node:fs';
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

/** The APIs in a folder: those named, or all. Those whose description isn't at hand are told apart. */
export async function chosenApis(
  folder: string,
  names: readonly string[],
  folders: readonly string[],
): Promise<{ chosen: TrueApi[]; leftOut: string[] }> {
  const chosen: TrueApi[] = [];
  const leftOut: string[] = [];
  for (const file of (await readdir(folder)).sort()) {
    const api = TrueApi.parse(JSON.parse(await readFile(join(folder, file), 'utf8')));
    if (names.length > 0 && !names.includes(api.name)) continue;
    if (names.length > 0 || findDescription(api, folders) !== undefined) chosen.push(api);
    else leftOut.push(api.name);
  }
  return { chosen, leftOut };
}

/** The folders of descriptions that a person gave: `--descriptions` and `--corpus`, as often as wished, or the environment. */
export function descriptionFolders(given: readonly string[]): string[] {
  const usual = process.env['SOURCEWRIGHT_CORPUS'];
  return given.length > 0 || usual === undefined ? [...given] : [usual];
}

/** Where an API's description is. Throws where no given folder has it. */
export function descriptionPath(api: TrueApi, folders: readonly string[]): string {
  const path = findDescription(api, folders);
  if (path !== undefined) return path;
  throw new Error(`${api.name}: no folder given by --descriptions has ${api.description}`);
}

function findDescription(api: TrueApi, folders: readonly string[]): string | undefined {
  if (!api.description.startsWith('npm:')) {
    return folders.map((folder) => join(folder, api.description)).find((path) => existsSync(path));
  }
  const [, scope, name, ...rest] = /^npm:(@[^/]+)\/([^/]+)\/(.*)$/.exec(api.description) ?? [];
  const manifest = createRequire(import.meta.url).resolve(`${scope ?? ''}/${name ?? ''}/package.json`);
  return join(manifest, '..', ...rest);
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
