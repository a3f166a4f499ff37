/** Judges tests that pass by mistakes that are planted into the code; the same code and tests are judged once in a run. */
import { z } from 'zod';
import { SourcewrightError } from '../../errors.ts';
import { Mutation, type StageContext, type TestReport } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { runMutants } from '../../python/mutation.ts';
import { helperScript } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import { handWritten } from '../hand-written.ts';

/** `mutation.json`: the last judgement, with what it was made of. */
const Judged = z.object({
  schemaVersion: z.literal(1),
  codeSha256: z.string(),
  testsSha256: z.string(),
  python: z.string(),
  limit: z.number(),
  mutation: Mutation,
});
const FILE = 'mutation.json';

async function judgedBefore(
  context: StageContext,
  { codeSha256, testsSha256, python }: TestReport,
  limit: number,
): Promise<Mutation | undefined> {
  const last = await context.readArtifact(FILE, Judged).catch((error: unknown) => {
    // A spoilt memory is no evidence: the mutants run again.
    if (error instanceof SourcewrightError && error.code === 'corrupt') return undefined;
    throw error;
  });
  const same =
    last?.codeSha256 === codeSha256 &&
    last.testsSha256 === testsSha256 &&
    last.python === python &&
    last.limit === limit;
  return same && last.mutation.note === null ? last.mutation : undefined;
}

/** The judgement; undefined where the tests do not pass, or the run asks for no mutants. */
export async function judgeByMutants(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
  report: TestReport,
): Promise<Mutation | undefined> {
  const limit = context.request.limits.mutants ?? 0;
  if (report.verdict !== 'passed' || limit === 0) return undefined;
  const before = await judgedBefore(context, report, limit);
  if (before !== undefined) return before;
  context.progress(`Planting up to ${limit} mistakes into copies of the code: do the tests notice them?`);
  const changed = await handWritten(d, context, (path) => path.startsWith('src/') && path.endsWith('.py'));
  const mutation = await runMutants({
    connectorDir: context.connectorDir,
    environment,
    script: await helperScript('mutate_connector.py'),
    limit,
    compiled: Object.fromEntries(
      changed.flatMap(({ path, before: compiled, after }) => (after === null ? [] : [[path, compiled]])),
    ),
    signal: context.signal,
  });
  const { codeSha256, testsSha256, python } = report;
  await context.writeArtifact(FILE, { schemaVersion: 1, codeSha256, testsSha256, python, limit, mutation });
  return mutation;
}

/** The judgement in a few words; empty where there is none. */
export function mutationWords(mutation: Mutation | undefined): string {
  if (mutation === undefined) return '';
  const { killRate, killed, timedOut, survived, note } = mutation;
  if (killRate === null) return `no mistakes were tried (${note ?? 'there was none to plant'})`;
  const noticed = killed + timedOut;
  return `${noticed} of ${noticed + survived} planted mistakes noticed (${killRate}%)`;
}
