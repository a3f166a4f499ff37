/** A stage's context over a folder of its own. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Limits,
  type Feedback,
  type RunRequest,
  type StageContext,
} from '../../../src/pipeline/contracts.ts';
import { SourcewrightError } from '../../../src/errors.ts';
import type { StageDependencies } from '../../../src/stages/dependencies.ts';

export interface Setup {
  readonly source: RunRequest['source'];
  readonly workspace: string;
  readonly streams?: string[];
  readonly name?: string;
  readonly probe?: boolean;
  readonly feedback?: string;
  readonly signal?: AbortSignal;
}

export async function stageContext(setup: Setup): Promise<StageContext & { readonly lines: string[] }> {
  const { source, workspace, streams, name, probe = false, feedback, signal } = setup;
  const runDir = join(workspace, '.sourcewright', 'runs', 'test');
  await mkdir(runDir, { recursive: true });
  const lines: string[] = [];
  const given: Feedback | undefined =
    feedback === undefined ? undefined : { from: 'person', text: feedback, failingTests: [], findings: [] };
  return {
    lines,
    runId: 'test',
    request: {
      source,
      workspace,
      outDir: join(workspace, 'connectors'),
      engine: 'rules',
      gates: {},
      limits: Limits.parse({}),
      probe,
      ...(streams === undefined ? {} : { streams }),
      ...(name === undefined ? {} : { name }),
    },
    runDir,
    connectorDir: join(workspace, 'connectors', 'source-unnamed'),
    mode: feedback === undefined ? 'RUN' : 'REVISE',
    attempt: feedback === undefined ? 1 : 2,
    feedback: given,
    draft: false,
    signal: signal ?? new AbortController().signal,
    progress: (line) => {
      lines.push(line);
    },
    activity: (line) => {
      lines.push(line);
    },
    spent: () => undefined,
    async readArtifact(artifact, schema) {
      const text = await readFile(join(runDir, artifact), 'utf8').catch(() => undefined);
      if (text === undefined) return undefined;
      try {
        return schema.parse(JSON.parse(text));
      } catch (cause) {
        throw new SourcewrightError('corrupt', 'Does not match its contract.', { cause });
      }
    },
    async writeArtifact(artifact, content) {
      const text = typeof content === 'string' ? content : JSON.stringify(content, null, 2);
      await writeFile(join(runDir, artifact), text);
    },
  };
}

/** Only what research uses of them. */
export function dependencies(extra: Partial<StageDependencies> = {}): StageDependencies {
  return {
    runner: { run: () => Promise.reject(new Error('Research runs nothing.')) },
    templateDir: '/nowhere/template',
    log: () => undefined,
    ...extra,
  };
}
