/** The Python environments of the readers: made once for each list of pinned requirements, below `.cache/read`. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = import.meta.dirname;
const cache = join(here, '../../../.cache/read');
const QUIETLY = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];

/** Whose environment it is: that of a peer, or of the connector, whose own requirements are its pins. */
export type EnvironmentName = 'floor' | 'dlt' | 'airbyte' | 'singer' | 'ours';

/** What pip needs to build a connector without fetching anything else. */
const BUILD_REQUIREMENTS = 'hatchling==1.27.0\n';

async function requirementsOf(name: EnvironmentName, connectorDir: string): Promise<string> {
  if (name !== 'ours') return readFile(join(here, `requirements-${name}.txt`), 'utf8');
  return (await readFile(join(connectorDir, 'requirements.txt'), 'utf8')) + BUILD_REQUIREMENTS;
}

/**
 * The interpreter of an environment. A folder of environments that exist already, one for each name, saves the time
 * to make them; what is in them is then the caller's word.
 */
export async function environment(
  name: EnvironmentName,
  connectorDir: string,
  folder: string | undefined,
): Promise<string> {
  if (folder !== undefined) return join(folder, name, 'bin/python');
  const requirements = await requirementsOf(name, connectorDir);
  const key = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
  const dir = join(cache, `${name}-${key}`);
  const python = join(dir, 'bin/python');
  if (existsSync(join(dir, 'complete'))) return python;
  console.error(`Installing what ${name} needs …`);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dirname(dir), { recursive: true });
  await run(process.env['PYTHON'] ?? 'python3', ['-m', 'venv', dir]);
  const file = join(dir, 'requirements.txt');
  await writeFile(file, requirements);
  await run(python, [...QUIETLY, '-r', file]);
  await writeFile(join(dir, 'complete'), '');
  return python;
}

/** Installs a connector into a folder, as a person's `pip install` would, beside what its environment has. */
export async function install(python: string, connectorDir: string, site: string): Promise<void> {
  await rm(site, { recursive: true, force: true });
  const offline = ['--no-deps', '--no-build-isolation', '--target', site];
  await run(python, [...QUIETLY, ...offline, connectorDir]);
}
