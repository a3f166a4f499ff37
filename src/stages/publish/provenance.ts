/**
 * Where a published connector is from: what it was made of, by what, and what the evidence is. `provenance.json` goes out with
 * the connector and is the same for the same publication; the run's folder keeps a copy that also says where it went.
 */
import { basename, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { readTranscripts } from '../../agents/transcript-view.ts';
import type { PublishedBrief } from '../../pipeline/brief-parts.ts';
import {
  Engine,
  type Publication,
  StageName,
  type StageContext,
  type TestReport,
} from '../../pipeline/contracts.ts';
import { hashFile, writeInside } from '../../workspace/files.ts';
import { DependencyLicence } from './licences.ts';
import { describeFiles, PlannedFile } from './plan.ts';

export const PROVENANCE = 'provenance.json';

const Hash = z.string().regex(/^[0-9a-f]{64}$/);

/** `provenance.json`. */
export const Provenance = z.object({
  schemaVersion: z.literal(1),
  connector: z.string(),
  run: z.string(),
  engine: Engine,
  /** What the connector was made of. Files are named without the folders above the workspace. */
  sources: z.array(z.object({ location: z.string(), kind: z.string(), sha256: z.string() })),
  /** Requests that were made of the API itself while it was researched. */
  probes: z.number().int(),
  /** The conversations with models: which model, and the hash of its instructions. None with the engine `rules`. */
  conversations: z.array(
    z.object({
      stage: StageName,
      attempt: z.number().int(),
      model: z.string(),
      prompt: z.string(),
      promptSha256: z.string(),
    }),
  ),
  tools: z.object({ python: z.string(), dependencies: z.array(DependencyLicence) }),
  licences: z.object({ connector: z.string().nullable(), description: z.string().nullable() }),
  evidence: z.object({
    codeSha256: Hash,
    testsSha256: Hash,
    tests: z.object({ passed: z.number(), failed: z.number(), errors: z.number(), skipped: z.number() }),
    openFindings: z.array(z.string()),
  }),
  /** Every file that goes out, but this one. */
  files: z.array(PlannedFile),
  /** Only in the run's folder: what names times and places, and so differs from try to try. */
  publication: z
    .object({
      at: z.string(),
      branch: z.string().nullable(),
      commit: z.string().nullable(),
      prUrl: z.string().nullable(),
      packages: z.array(z.object({ name: z.string(), sha256: Hash })),
      /** Hashes of the run's own records: brief, test reports, review, plan. */
      records: z.record(z.string(), Hash),
    })
    .optional(),
});
export type Provenance = z.infer<typeof Provenance>;

const RECORDS = [
  'brief.json',
  'test-report.json',
  'publish-test-report.json',
  'review.json',
  'publication-plan.json',
];

function named(location: string): string {
  return isAbsolute(location) || /^[A-Za-z]:[\\/]/.test(location) ? basename(location) : location;
}

function sourcesOf({ blueprint, agent }: PublishedBrief): Provenance['sources'] {
  const { location, format, sha256 } = blueprint.source;
  const read =
    agent?.documents.map((one) => ({ location: one.url, kind: 'document', sha256: one.sha256 })) ?? [];
  return [{ location: named(location), kind: format, sha256 }, ...read];
}

export interface ProvenanceFacts {
  readonly brief: PublishedBrief;
  /** Of the clean copy. */
  readonly report: TestReport;
  readonly openFindings: readonly string[];
  readonly licence: string | null;
  readonly dependencies: readonly DependencyLicence[];
}

/** Writes the record into the connector. `files`: what goes out, without the record itself. */
export async function writeProvenance(
  context: StageContext,
  facts: ProvenanceFacts,
  files: readonly string[],
): Promise<Provenance> {
  const { report, brief } = facts;
  const conversations = (await readTranscripts(context.runDir)).map(({ stage, attempt, model, prompt }) => ({
    stage,
    attempt,
    model,
    prompt: prompt.name,
    promptSha256: prompt.sha256,
  }));
  const provenance: Provenance = {
    schemaVersion: 1,
    connector: basename(context.connectorDir),
    run: context.runId,
    engine: context.request.engine,
    sources: sourcesOf(brief),
    probes: brief.probes.length,
    conversations,
    tools: { python: report.python, dependencies: [...facts.dependencies] },
    licences: { connector: facts.licence, description: brief.blueprint.api.licence ?? null },
    evidence: {
      codeSha256: report.codeSha256,
      testsSha256: report.testsSha256,
      tests: { passed: report.passed, failed: report.failed, errors: report.errors, skipped: report.skipped },
      openFindings: [...facts.openFindings],
    },
    files: await describeFiles(
      context.connectorDir,
      files.filter((path) => path !== PROVENANCE),
    ),
  };
  await writeInside(context.connectorDir, PROVENANCE, `${JSON.stringify(provenance, null, 2)}\n`);
  return provenance;
}

/** Keeps the record in the run's folder, with where the connector went. */
export async function keepProvenance(
  context: StageContext,
  provenance: Provenance,
  result: Publication,
): Promise<void> {
  const packages: { name: string; sha256: string }[] = [];
  for (const path of [result.wheel, result.sdist]) {
    const sha256 = path === null ? undefined : await hashFile(path);
    if (path !== null && sha256 !== undefined) packages.push({ name: basename(path), sha256 });
  }
  const records: Record<string, string> = {};
  for (const name of RECORDS) {
    const sha256 = await hashFile(join(context.runDir, name));
    if (sha256 !== undefined) records[name] = sha256;
  }
  const { at, branch, commit, prUrl } = result;
  await context.writeArtifact(PROVENANCE, {
    ...provenance,
    publication: { at, branch, commit, prUrl, packages, records },
  } satisfies Provenance);
}
