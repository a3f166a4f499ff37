/**
 * What the Test Reviewer remembers over the attempts of a run (`test-reviews.json`): its verdicts on failing tests, so
 * that the next one knows what was tried, and which states of the tests were looked at, so that none is paid for twice.
 */
import { z } from 'zod';
import type { DiagnoseResult, StageContext, TestReport } from '../../pipeline/contracts.ts';
import { failingCases } from '../failing-cases.ts';

/** What is weak about tests that pass. */
export const WeakTest = z.strictObject({
  file: z.string(),
  startLine: z.number().int().min(1),
  endLine: z.number().int().min(1),
  severity: z.enum(['warning', 'info']),
  message: z.string().min(1).max(500),
});
export type WeakTest = z.infer<typeof WeakTest>;

const Verdict = z.object({
  attempt: z.number().int(),
  verdict: z.enum(['code', 'tests', 'environment']),
  explanation: z.string(),
  failing: z.array(z.string()),
  codeSha256: z.string(),
  testsSha256: z.string(),
});
type Verdict = z.infer<typeof Verdict>;

const Memory = z.object({
  schemaVersion: z.literal(1),
  verdicts: z.array(Verdict),
  judged: z.array(z.object({ testsSha256: z.string(), findings: z.array(WeakTest) })),
  /** Planted mistakes that the tester was asked about, by the attempt that asked. */
  asked: z.array(z.object({ attempt: z.number().int(), mistakes: z.array(z.string()) })).default([]),
});
type Memory = z.infer<typeof Memory>;

const FILE = 'test-reviews.json';

async function recall(context: StageContext): Promise<Memory> {
  return (
    (await context.readArtifact(FILE, Memory)) ?? { schemaVersion: 1, verdicts: [], judged: [], asked: [] }
  );
}

/** What was found about exactly these tests before, whatever has happened to the code since. */
export async function judgedBefore(
  context: StageContext,
  report: TestReport,
): Promise<readonly WeakTest[] | undefined> {
  const { judged } = await recall(context);
  return judged.find((entry) => entry.testsSha256 === report.testsSha256)?.findings;
}

export async function rememberJudged(
  context: StageContext,
  { testsSha256 }: TestReport,
  findings: readonly WeakTest[],
): Promise<void> {
  const memory = await recall(context);
  const others = memory.judged.filter((entry) => entry.testsSha256 !== testsSha256);
  await context.writeArtifact(FILE, {
    ...memory,
    judged: [...others, { testsSha256, findings: [...findings] }],
  });
}

/** The verdict of the attempt before this one; what this attempt wrote itself, before it was cut off, does not count. */
export async function lastVerdict(context: StageContext): Promise<Verdict | undefined> {
  const { verdicts } = await recall(context);
  return verdicts.filter((entry) => entry.attempt < context.attempt).at(-1);
}

export async function rememberVerdict(
  context: StageContext,
  report: TestReport,
  { verdict, explanation }: DiagnoseResult,
): Promise<void> {
  if (verdict === 'pass') return;
  const memory = await recall(context);
  const { codeSha256, testsSha256 } = report;
  const failing = failingCases(report).map((entry) => entry.id);
  const entry = { attempt: context.attempt, verdict, explanation, failing, codeSha256, testsSha256 };
  const others = memory.verdicts.filter((other) => other.attempt !== context.attempt);
  await context.writeArtifact(FILE, { ...memory, verdicts: [...others, entry] });
}

/** How often the tests were found at fault before this attempt, and the planted mistakes that were named then. */
export async function askedBefore(context: StageContext): Promise<{ times: number; mistakes: Set<string> }> {
  const { verdicts, asked } = await recall(context);
  const earlier = asked.filter((entry) => entry.attempt < context.attempt);
  return {
    times: verdicts.filter((entry) => entry.attempt < context.attempt && entry.verdict === 'tests').length,
    mistakes: new Set(earlier.flatMap((entry) => entry.mistakes)),
  };
}

export async function rememberAsked(context: StageContext, mistakes: readonly string[]): Promise<void> {
  const memory = await recall(context);
  const others = memory.asked.filter((entry) => entry.attempt !== context.attempt);
  await context.writeArtifact(FILE, {
    ...memory,
    asked: [...others, { attempt: context.attempt, mistakes: [...mistakes] }],
  });
}
