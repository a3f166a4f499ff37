/** The findings of a review together with the person's answers, over cycles and over runs. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { type Finding, Review, type StageContext } from '../../pipeline/contracts.ts';
import { runsDir } from '../../store/run-folders.ts';
import { writeInside } from '../../workspace/files.ts';

/** Ids of the findings that nobody rejected and that are not applied yet; notes of severity `info` don't count. */
export function openFindings(review: Review): string[] {
  const settled = new Set(
    review.answers.filter((entry) => entry.answer !== 'accepted').map((entry) => entry.finding),
  );
  return review.findings
    .filter((finding) => finding.severity !== 'info' && !settled.has(finding.id))
    .map((finding) => finding.id);
}

const FILE = 'rejected-findings.json';
const Rejected = z.object({
  rule: z.string(),
  reason: z.string().optional(),
  /** Where it was and what it said, so that a model can be told; absent in older files. */
  file: z.string().optional(),
  message: z.string().optional(),
});
export type Rejected = z.infer<typeof Rejected>;
const Remembered = z.object({
  schemaVersion: z.literal(1),
  /** Connector → id of the finding → what was said. */
  connectors: z.record(z.string(), z.record(z.string(), Rejected)),
});
type Remembered = z.infer<typeof Remembered>;

async function readRemembered(workspace: string): Promise<Remembered> {
  try {
    return Remembered.parse(JSON.parse(await readFile(join(workspace, '.sourcewright', FILE), 'utf8')));
  } catch {
    return { schemaVersion: 1, connectors: {} };
  }
}

/** Keeps the rejections of a review for later runs of the same connector: a person says it once. */
export async function rememberRejections(
  workspace: string,
  connector: string,
  review: Review,
): Promise<void> {
  const rejected = review.answers.filter((entry) => entry.answer === 'rejected');
  if (rejected.length === 0) return;
  const remembered = await readRemembered(workspace);
  const known = { ...remembered.connectors[connector] };
  const findings = new Map(review.findings.map((finding) => [finding.id, finding]));
  for (const { finding: id, reason } of rejected) {
    const finding = findings.get(id);
    if (finding === undefined) continue;
    const said = reason === undefined ? {} : { reason };
    // A finding that comes back carries what was said of it last time: its first words are kept.
    const message = known[id]?.message ?? finding.message;
    known[id] = { rule: finding.rule, ...said, file: finding.range.file, message };
  }
  const content = { schemaVersion: 1, connectors: { ...remembered.connectors, [connector]: known } };
  await mkdir(join(workspace, '.sourcewright'), { recursive: true });
  await writeInside(join(workspace, '.sourcewright'), FILE, `${JSON.stringify(content, null, 2)}\n`);
}

const OtherRun = z.object({ connectorDir: z.string().nullable() });

async function readQuietly<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * Remembers what was rejected in the last reviews of earlier runs of this connector: no review followed there that would
 * have done so. Runs that can't be read are passed over.
 */
export async function rememberEarlierRuns({
  runId,
  request,
  connectorDir,
}: Pick<StageContext, 'runId' | 'request' | 'connectorDir'>): Promise<void> {
  const folder = runsDir(request.workspace);
  // Their names begin with the time: what was said last counts.
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    if (name === runId) continue;
    const run = await readQuietly(join(folder, name, 'run.json'), OtherRun);
    if (run?.connectorDir !== connectorDir) continue;
    const review = await readQuietly(join(folder, name, 'review.json'), Review);
    if (review !== undefined) await rememberRejections(request.workspace, basename(connectorDir), review);
  }
}

/** What a person rejected for this connector, in this run's earlier reviews or in earlier runs, by the finding's id. */
export async function rejectedFindings(
  workspace: string,
  connector: string,
): Promise<ReadonlyMap<string, Rejected>> {
  return new Map(Object.entries((await readRemembered(workspace)).connectors[connector] ?? {}));
}

/** Findings that were rejected in an earlier run come back as notes: seen, said, and no longer in the way. */
export async function muteRejected(
  workspace: string,
  connector: string,
  findings: readonly Finding[],
): Promise<Finding[]> {
  const known = (await readRemembered(workspace)).connectors[connector] ?? {};
  return findings.map((finding) => {
    const said = known[finding.id];
    if (said?.rule !== finding.rule) return finding;
    const reason = said.reason === undefined ? '' : `: ${said.reason}`;
    return {
      ...finding,
      severity: 'info',
      message: `${finding.message} (Rejected in an earlier run${reason})`,
    };
  });
}
