/** The connectors that defects are planted into, compiled from hand-written blueprints, and what they run in. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileConnector, type CompiledFile } from '../../src/blueprint/compiler/compile.ts';
import type { Blueprint } from '../../src/blueprint/schema.ts';
import { blueprints as dataBlueprints } from '../python/blueprints.ts';
import { library } from './library.ts';
import { run, tail } from './process.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const cache = join(root, '.cache/python-tests');
const templateDir = join(root, 'src/blueprint/template');
const windows = process.platform === 'win32';
const bin = windows ? 'Scripts' : 'bin';

/** Between them they use the whole template: the data face, and one with an agent face. */
export const blueprints: readonly Blueprint[] = [...dataBlueprints, library];

/** Where a connector is compiled to, by its blueprint's name. */
export function connectorDir(name: string): string {
  return join(cache, 'connectors', `source-${name}`);
}

/** Compiles a connector anew; returns its folder. */
export async function writeConnector(blueprint: Blueprint): Promise<string> {
  const dir = connectorDir(blueprint.name);
  await rm(dir, { recursive: true, force: true });
  for (const file of compile(blueprint)) {
    const path = join(dir, file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.content);
  }
  return dir;
}

/** An environment with the pinned tools of connectors and of these tests, made once for each set of requirements. */
export async function environment(): Promise<string> {
  // The last one has every feature of the data face, and so every requirement.
  const files = compile(dataBlueprints.at(-1) as Blueprint).filter((one) =>
    one.path.startsWith('requirements'),
  );
  const own = await readFile(join(root, 'test/python/requirements.txt'), 'utf8');
  const interpreter = process.env['SOURCEWRIGHT_PYTHON'] ?? (windows ? 'python' : 'python3');
  const version = await run(interpreter, ['--version'], root);
  if (version.code !== 0)
    throw new Error(`Python 3.11 or newer is needed; ${interpreter}: ${version.output}`);
  const hash = createHash('sha256');
  for (const text of [version.output, own, ...files.map((one) => one.content)]) hash.update(text);
  const dir = join(cache, `venv-${hash.digest('hex').slice(0, 12)}`);
  const python = join(dir, bin, 'python');
  if (await exists(join(dir, 'complete'))) return python;
  process.stdout.write('Making a Python environment …\n');
  const requirements = join(cache, 'requirements');
  await rm(dir, { recursive: true, force: true });
  await mkdir(requirements, { recursive: true });
  for (const one of files) await writeFile(join(requirements, one.path), one.content);
  await writeFile(join(requirements, 'own.txt'), own);
  await need(interpreter, ['-m', 'venv', dir]);
  const wanted = ['-r', join(requirements, 'requirements-dev.txt'), '-r', join(requirements, 'own.txt')];
  await need(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...wanted]);
  await writeFile(join(dir, 'complete'), '');
  return python;
}

async function need(file: string, args: readonly string[]): Promise<void> {
  const done = await run(file, args, root);
  if (done.code !== 0) throw new Error(`${file} ${args.join(' ')}\n${tail(done.output)}`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function compile(blueprint: Blueprint): CompiledFile[] {
  return compileConnector(blueprint, { templateDir });
}
