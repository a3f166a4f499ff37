/** What several stages need of a connector: its environment, its brief, its helper scripts. */
import { access, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CompiledFile } from '../blueprint/compiler/compile.ts';
import { asSourcewrightError, SourcewrightError } from '../errors.ts';
import type { BriefPart, BriefParts } from '../pipeline/brief-parts.ts';
import { Brief, type StageContext } from '../pipeline/contracts.ts';
import { ensureEnvironment, type PythonEnvironment } from '../python/environments.ts';
import { declaredRequirements, fetchedElsewhere } from '../python/declared.ts';
import { findInterpreter, type Interpreter } from '../python/interpreter.ts';
import { scriptsFolder } from '../python/isolation/limits.ts';
import { refuseUnknown } from '../python/known-packages.ts';
import { LOCK_FILE } from '../python/lock.ts';
import { requireByName } from '../python/requirements.ts';
import { systemCode } from '../system-faults.ts';
import { offThread } from '../threads/off-thread.ts';
import { writeInside } from '../workspace/files.ts';
import type { StageDependencies } from './dependencies.ts';
import { baselinePath, readBaseline } from './generate/emit.ts';

/** Tools that we judge every connector with, also one whose own list lacks them; its pins win. */
const TOOLS = ['pytest', 'pytest-cov', 'ruff', 'mypy'];

/** Undefined where there is none; a file that may not be read is none of these. */
async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined;
    throw asSourcewrightError(error);
  });
}

/**
 * What building a wheel needs, so that it is built without a network later. What else `pyproject.toml` asks for is not
 * installed here, but by everybody who installs the connector: it is refused alike, before anything is fetched.
 */
async function buildRequirements(
  dependencies: StageDependencies,
  { connectorDir, signal }: Pick<StageContext, 'connectorDir' | 'signal'>,
  interpreter: Interpreter,
): Promise<string> {
  const path = join(connectorDir, 'pyproject.toml');
  const text = await readText(path);
  if (text === undefined) return '';
  const script = await helperScript('declared_requirements.py');
  const { build, declared, elsewhere } = await declaredRequirements(text, { script, interpreter, signal });
  const [place] = elsewhere;
  if (place !== undefined) throw fetchedElsewhere(path, place);
  for (const line of declared) requireByName(line.trim(), { where: path });
  refuseUnknown(path, declared, dependencies.allowedPackages ?? []);
  return build.join('\n');
}

/** Name of the package that a requirement line asks for. */
function packageName(line: string): string {
  return (/^\s*([A-Za-z0-9._-]+)/.exec(line)?.[1] ?? '').toLowerCase().replace(/[._]+/g, '-');
}

/**
 * The cached environment that fits a connector's requirement files.
 * @throws SourcewrightError `environment` with a cure.
 */
export async function connectorEnvironment(
  dependencies: StageDependencies,
  context: Pick<StageContext, 'connectorDir' | 'signal' | 'progress'>,
): Promise<PythonEnvironment> {
  const dir = context.connectorDir;
  const runtime = await readText(join(dir, 'requirements.txt'));
  if (runtime === undefined) {
    // Tests that were missing may have been written anew by now.
    const gone = !(await exists(join(dir, 'src')));
    throw new SourcewrightError(
      'environment',
      gone ? 'The connector’s files are gone.' : 'The connector has no requirements.txt.',
      {
        where: dir,
        cure: `Put the ${gone ? 'folder' : 'file'} back, restore a snapshot of the connector, or run the stage generate once more by hand; then resume.`,
      },
    );
  }
  const dev = (await readText(join(dir, 'requirements-dev.txt'))) ?? '';
  const environment = dependencies.environment ?? process.env;
  const interpreter = await findInterpreter({
    setting: dependencies.pythonPath,
    environment,
    signal: context.signal,
  });
  const build = await buildRequirements(dependencies, context, interpreter);
  const named = new Set(`${runtime}\n${dev}\n${build}`.split('\n').map(packageName));
  const tools = TOOLS.filter((tool) => !named.has(tool)).join('\n');
  const lock = await readText(join(dir, LOCK_FILE));
  const built = await ensureEnvironment({
    interpreter,
    requirements: [
      { name: join(dir, 'requirements.txt'), content: runtime },
      { name: join(dir, 'requirements-dev.txt'), content: dev },
      { name: join(dir, 'pyproject.toml'), content: build },
      { name: 'tools', content: tools },
    ],
    ...(lock !== undefined && { lock: { name: join(dir, LOCK_FILE), content: lock } }),
    allowed: dependencies.allowedPackages,
    cacheDir: dependencies.cacheDir,
    environment,
    signal: context.signal,
    progress: (message) => {
      context.progress(message);
    },
  });
  return { ...built, isolation: dependencies.isolation };
}

/** Puts the lock of what the connector is tested with beside its requirements, where another or none stands there. */
export async function keepLock(connectorDir: string, environment: PythonEnvironment): Promise<void> {
  const made = environment.lock === undefined ? undefined : await readText(environment.lock);
  if (made === undefined || made === (await readText(join(connectorDir, LOCK_FILE)))) return;
  await writeInside(connectorDir, LOCK_FILE, made);
}

/** The run's brief. @throws SourcewrightError `corrupt` when research has left none. */
export async function readBrief(context: StageContext): Promise<Brief> {
  const brief = await context.readArtifact('brief.json', Brief);
  if (brief === undefined) throw noBrief(context);
  return brief;
}

/**
 * A part of the run's brief, read without keeping anybody waiting where the brief is large.
 * @throws SourcewrightError `corrupt` when research has left none, or when it is not what it should be
 */
export async function readBriefPart<P extends BriefPart>(
  { worker }: Pick<StageDependencies, 'worker'>,
  context: Pick<StageContext, 'runDir' | 'signal'>,
  part: P,
): Promise<BriefParts[P]> {
  const path = join(context.runDir, 'brief.json');
  if (!(await exists(path))) throw noBrief(context);
  const read = await offThread('brief', { path, part }, path, { worker, signal: context.signal });
  // The thread has validated it as the part that was asked for; to do so again would keep the editor waiting.
  return read as BriefParts[P];
}

function noBrief({ runDir }: Pick<StageContext, 'runDir'>): SourcewrightError {
  return new SourcewrightError('corrupt', 'The run has no brief (any more).', {
    where: join(runDir, 'brief.json'),
    cure: 'Put the file back, or run the stage research once more by hand; then resume.',
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** What the compiler makes of the run's brief: the same bytes each time. */
export async function compileBrief(
  dependencies: StageDependencies,
  context: StageContext,
): Promise<CompiledFile[]> {
  const { compile, templateDir, worker } = dependencies;
  if (compile !== undefined) return compile((await readBrief(context)).blueprint, { templateDir });
  const path = join(context.runDir, 'brief.json');
  if (!(await exists(path))) throw noBrief(context);
  return offThread('compile', { brief: path, templateDir }, path, { worker, signal: context.signal });
}

/**
 * The connector as it was generated: what was written last, else what the compiler makes of the brief. After an update
 * of Sourcewright the two differ, and then edits must be told by the former.
 */
export async function generatedFiles(
  dependencies: StageDependencies,
  context: StageContext,
): Promise<CompiledFile[]> {
  const written = await readBaseline(baselinePath(context.request.workspace, context.connectorDir));
  if (written.size > 0) return [...written].map(([path, content]) => ({ path, content }));
  return compileBrief(dependencies, context);
}

/** mypy's cache for one connector: two connectors have modules of the same names, so they don't share one. */
export function mypyCache(context: Pick<StageContext, 'request' | 'connectorDir'>): string {
  return join(context.request.workspace, '.sourcewright', 'cache', 'mypy', basename(context.connectorDir));
}

/** Path of one of our own Python helper scripts. @throws SourcewrightError `internal` when it was not packaged. */
export async function helperScript(name: string): Promise<string> {
  const path = join(scriptsFolder(), name);
  if (await exists(path)) return path;
  throw new SourcewrightError('internal', `The helper script ${name} is missing from this installation.`, {
    where: path,
    cure: 'Install Sourcewright again.',
  });
}
