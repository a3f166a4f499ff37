/** A stage's context over real folders, and the dependencies of real stages. */
import { mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import type { CompiledFile } from '../../../../src/blueprint/compiler/compile.ts';
import type { StageContext } from '../../../../src/pipeline/contracts.ts';
import { ProcessRunner } from '../../../../src/python/process-runner.ts';
import type { StageDependencies } from '../../../../src/stages/dependencies.ts';
import { emitConnector } from '../../../../src/stages/generate/emit.ts';
import { miniBrief, miniConnector } from './mini-connector.ts';

const root = join(import.meta.dirname, '..', '..', '..', '..');

export interface Workbench {
  readonly workspace: string;
  readonly connectorDir: string;
  readonly runDir: string;
  readonly lines: string[];
  context(overrides?: Partial<StageContext>): StageContext;
  dependencies(overrides?: Partial<StageDependencies>): StageDependencies;
  artifact(name: string): Promise<unknown>;
  write(path: string, content: string): Promise<void>;
  read(path: string): Promise<string>;
  dispose(): Promise<void>;
}

/** A temporary workspace with a run whose brief is there. */
export async function workbench(compiled: () => CompiledFile[] = () => miniConnector()): Promise<Workbench> {
  const workspace = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-bench-')));
  const outDir = join(workspace, 'connectors');
  const connectorDir = join(outDir, 'source-tides');
  const runDir = join(workspace, '.sourcewright', 'runs', 'r1');
  await mkdir(runDir, { recursive: true });
  await mkdir(outDir);
  await writeFile(join(runDir, 'brief.json'), JSON.stringify(miniBrief()));
  const lines: string[] = [];
  return {
    workspace,
    connectorDir,
    runDir,
    lines,
    context: (overrides = {}) => ({
      runId: 'r1',
      request: {
        source: { kind: 'description', location: 'tides.json' },
        workspace,
        outDir,
        engine: 'rules',
        gates: {},
        limits: { testFixes: 3, codeFixes: 3, reviewCycles: 2, reResearch: 1 },
        probe: false,
      },
      runDir,
      connectorDir,
      mode: 'GENERATE',
      attempt: 1,
      feedback: undefined,
      draft: false,
      signal: new AbortController().signal,
      progress: (message) => lines.push(message),
      activity: (line) => lines.push(line),
      spent: () => undefined,
      readArtifact: async <T>(name: string, schema: z.ZodType<T>) => {
        const text = await readFile(join(runDir, name), 'utf8').catch(() => undefined);
        return text === undefined ? undefined : schema.parse(JSON.parse(text));
      },
      writeArtifact: async (name, content) => {
        await writeFile(join(runDir, `${name}.tmp`), JSON.stringify(content, null, 2));
        await rename(join(runDir, `${name}.tmp`), join(runDir, name));
      },
      ...overrides,
    }),
    dependencies: (overrides = {}) => ({
      runner: new ProcessRunner({ write: (text) => lines.push(text) }),
      templateDir: join(root, 'src', 'blueprint', 'template'),
      log: () => undefined,
      compile: compiled,
      ...overrides,
    }),
    artifact: async (name) => JSON.parse(await readFile(join(runDir, name), 'utf8')) as unknown,
    write: async (path, content) => {
      await mkdir(join(connectorDir, path, '..'), { recursive: true });
      await writeFile(join(connectorDir, path), content);
    },
    read: (path) => readFile(join(connectorDir, path), 'utf8'),
    dispose: () => rm(workspace, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** The same with the connector in miniature written into it, as Generate leaves it. */
export async function connectorWorkbench(): Promise<Workbench> {
  const bench = await workbench();
  await emitConnector({
    connectorDir: bench.connectorDir,
    baseline: join(bench.workspace, 'b.json'),
    compiled: miniConnector(),
  });
  return bench;
}
