/** Work that would keep the editor waiting: it is done in a thread of its own where its input is large. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { compileConnector, type CompiledFile } from '../blueprint/compiler/compile.ts';
import { SourcewrightError } from '../errors.ts';
import { BRIEF_PARTS, type BriefPart, type BriefParts } from '../pipeline/brief-parts.ts';
import { Brief, type TestCase } from '../pipeline/contracts.ts';
import { readJunit, UnusableEvidence } from '../python/junit.ts';
import { type KnownSecret, scanFiles, type SecretHit } from '../workspace/secrets.ts';

/** What each task takes and gives: plain data, which crosses the border of a thread. */
export interface Tasks {
  /** Compiles the blueprint of a brief that lies on disk. */
  readonly compile: {
    readonly input: { readonly brief: string; readonly templateDir: string };
    readonly output: CompiledFile[];
  };
  /** Reads a part of a brief that lies on disk. */
  readonly brief: {
    readonly input: { readonly path: string; readonly part: BriefPart };
    readonly output: BriefParts[BriefPart];
  };
  /** Looks for credentials in files of a folder. */
  readonly secrets: {
    readonly input: {
      readonly dir: string;
      readonly files: readonly string[];
      /** Values that are secret for sure. */
      readonly known: readonly KnownSecret[];
    };
    readonly output: SecretHit[];
  };
  /** Reads the result file of a test run; in words why it is no evidence, where it is none. */
  readonly junit: {
    readonly input: { readonly path: string };
    readonly output: { readonly cases: TestCase[] } | { readonly unusable: string };
  };
}
export type TaskName = keyof Tasks;

/** Does a task on this thread. Throws as the work itself does. */
export async function work<T extends TaskName>(
  task: T,
  input: Tasks[T]['input'],
): Promise<Tasks[T]['output']> {
  const doing: { readonly [N in TaskName]: (given: Tasks[N]['input']) => Promise<Tasks[N]['output']> } = {
    compile: async ({ brief, templateDir }) =>
      compileConnector((await readBrief(brief, Brief)).blueprint, { templateDir }),
    brief: ({ path, part }) => readBrief<BriefParts[BriefPart]>(path, BRIEF_PARTS[part]),
    secrets: ({ dir, files, known }) => scanFiles(dir, files, known),
    junit: async ({ path }) => {
      try {
        return { cases: await readJunit(path) };
      } catch (error) {
        if (error instanceof UnusableEvidence) return { unusable: error.message };
        throw error;
      }
    },
  };
  return doing[task](input);
}

async function readBrief<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw corrupt(path, error instanceof Error ? error.message : String(error));
  }
  const brief = schema.safeParse(json);
  if (!brief.success) throw corrupt(path, z.prettifyError(brief.error));
  return brief.data;
}

function corrupt(where: string, why: string): SourcewrightError {
  return new SourcewrightError('corrupt', `The brief is not what it should be: ${why}`, {
    where,
    cure: 'If you edited it, correct it there. Otherwise run the stage research again.',
  });
}
