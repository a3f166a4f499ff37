/** Which licences a publication touches: the connector's own and those of the packages that it needs. */
import { z } from 'zod';
import type { PythonEnvironment } from '../../python/environments.ts';
import { runTool } from '../../python/tools.ts';

export const DependencyLicence = z.object({
  name: z.string(),
  version: z.string(),
  /** As the package names it; null where it names none. */
  licence: z.string().nullable(),
});
export type DependencyLicence = z.infer<typeof DependencyLicence>;

const LICENCE_FILES = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'LICENCE.md', 'COPYING'];

/**
 * What a connector says about its own licence: a person's decision, so it is only read, never made up.
 * @param read content of one of its files, undefined where there is none
 */
export async function connectorLicence(
  read: (path: string) => Promise<string | undefined>,
): Promise<string | null> {
  const project = (await read('pyproject.toml')) ?? '';
  const named = /^license\s*=\s*(?:\{\s*text\s*=\s*)?["']([^"']{1,80})["']/m.exec(project)?.[1];
  if (named !== undefined) return named;
  for (const name of LICENCE_FILES) {
    const text = await read(name);
    const first = text?.split('\n').find((line) => line.trim() !== '');
    if (first !== undefined) return `${first.trim().slice(0, 80)} (${name})`;
  }
  const metadata = /^\s*license:\s*["']?([^"'\n]{1,80})/m
    .exec((await read('metadata.yaml')) ?? '')?.[1]
    ?.trim();
  return metadata === undefined || /^(?:unlicensed|none)?$/i.test(metadata) ? null : metadata;
}

/** The licences of all packages that the connector needs, as installed for its tests. None where that can't be told. */
export async function dependencyLicences(
  environment: PythonEnvironment,
  script: string,
  connectorDir: string,
  signal: AbortSignal,
): Promise<DependencyLicence[]> {
  const args = ['-I', script, 'requirements.txt'];
  const ran = await runTool({ environment, cwd: connectorDir, args, signal });
  if (ran.exitCode !== 0) return [];
  try {
    return z.array(DependencyLicence).parse(JSON.parse(ran.stdout));
  } catch {
    return [];
  }
}
