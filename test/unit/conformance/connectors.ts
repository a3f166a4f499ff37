/** Compiled connectors in temporary folders, an environment to judge them in, and mistakes planted into them. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileConnector } from '../../../src/blueprint/compiler/compile.ts';
import { ProcessRunner } from '../../../src/python/process-runner.ts';
import { connectorEnvironment } from '../../../src/stages/connector.ts';
import { blueprints } from '../../python/blueprints.ts';

const templateDir = fileURLToPath(new URL('../../../src/blueprint/template', import.meta.url));

/** One change of a connector's file below `src/`. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Connectors {
  /** Interpreter of an environment with the packages of the first one. */
  readonly python: string;
  /** Folder of an unchanged connector, by the blueprint's name. */
  folder(name: string): string;
  /** Folder of a copy of a connector with changes in it. Throws where the code no longer holds what is looked for. */
  planted(name: string, mistake: string, edits: readonly Edit[]): Promise<string>;
  remove(): Promise<void>;
}

/** Compiles connectors by their names and sets up the environment of the first one, in which all are judged. */
export async function compiled(names: readonly string[]): Promise<Connectors> {
  const root = await mkdtemp(join(tmpdir(), 'sourcewright-conformance-test-'));
  const folder = (name: string): string => join(root, `source-${name}`);
  for (const name of names) {
    const blueprint = blueprints.find((one) => one.name === name);
    if (blueprint === undefined) throw new Error(`There is no blueprint ${name}.`);
    for (const file of compileConnector(blueprint, { templateDir })) {
      const path = join(folder(name), file.path);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, file.content);
    }
  }
  const environment = await connectorEnvironment(
    {
      runner: new ProcessRunner({ write: () => undefined }),
      templateDir,
      log: () => undefined,
      pythonPath: process.env['SOURCEWRIGHT_PYTHON'],
    },
    {
      connectorDir: folder(names[0] ?? ''),
      signal: new AbortController().signal,
      progress: () => undefined,
    },
  );
  return {
    python: environment.python,
    folder,
    planted: async (name, mistake, edits) => {
      const copy = join(root, mistake, `source-${name}`);
      await cp(folder(name), copy, { recursive: true });
      for (const { file, find, replace } of edits) {
        const path = join(copy, 'src', file);
        const before = await readFile(path, 'utf8');
        if (!before.includes(find))
          throw new Error(`${mistake}: src/${file} of ${name} no longer holds ${find}`);
        await writeFile(
          path,
          before.replace(find, () => replace),
        );
      }
      return copy;
    },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Works through a list, so many at a time; the answers are in the list's order. */
export async function inTurns<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const answers = new Array<R>(items.length);
  const waiting = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      answers[next[0]] = await work(next[1]);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return answers;
}
