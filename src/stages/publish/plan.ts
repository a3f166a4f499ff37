/**
 * What would be published, listed before anything leaves the folder: each file with its size and hash, what is left out, what
 * keeps it back, its licence and where it goes. Written for the gate *publish*; publishing holds itself to it.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { StageContext } from '../../pipeline/contracts.ts';
import { hashFile, listFiles } from '../../workspace/files.ts';
import { findRepository } from '../../workspace/git.ts';
import { findGitHubRemote } from '../../workspace/github.ts';
import { readBriefPart } from '../connector.ts';
import { credentialsIn, knownSecrets } from '../credentials.ts';
import type { StageDependencies } from '../dependencies.ts';
import { connectorLicence } from './licences.ts';

export const PLAN_FILE = 'publication-plan.json';
/** The same for people. */
export const PLAN_PAGE = 'publication-plan.md';

export const PlannedFile = z.object({ path: z.string(), bytes: z.number().int(), sha256: z.string() });
export type PlannedFile = z.infer<typeof PlannedFile>;

/** `publication-plan.json`. */
export const PublicationPlan = z.object({
  schemaVersion: z.literal(1),
  /** Name of the connector's folder. */
  connector: z.string(),
  files: z.array(PlannedFile),
  /** Bytes of all files. */
  totalBytes: z.number().int(),
  /** Private files, which stay here. */
  leftOut: z.array(z.string()),
  /** Symbolic links: they keep the connector from being published. */
  links: z.array(z.string()),
  /** What looks like a credential, without its value: it keeps the connector from being published. */
  secrets: z.array(z.object({ file: z.string(), line: z.number().int(), kind: z.string() })),
  /** Null where none is named. */
  licences: z.object({ connector: z.string().nullable(), description: z.string().nullable() }),
  /** In words; `remote` is null where nothing would leave this machine. */
  destination: z.object({ local: z.string(), remote: z.string().nullable() }),
});
export type PublicationPlan = z.infer<typeof PublicationPlan>;

type Environment = Readonly<Record<string, string | undefined>>;
/** A thread for what takes long, and the environment that git would be called with. */
type PlanDependencies = Pick<StageDependencies, 'worker' | 'environment' | 'credentials'>;

/** The files with size and hash; what vanishes while it is listed is no part of it. */
export async function describeFiles(dir: string, paths: readonly string[]): Promise<PlannedFile[]> {
  const files: PlannedFile[] = [];
  for (const path of paths) {
    const [entry, sha256] = await Promise.all([
      stat(join(dir, path)).catch(() => undefined),
      hashFile(join(dir, path)),
    ]);
    if (entry !== undefined && sha256 !== undefined) files.push({ path, bytes: entry.size, sha256 });
  }
  return files;
}

async function destinationOf(
  connectorDir: string,
  environment: Environment,
): Promise<PublicationPlan['destination']> {
  const name = basename(connectorDir).replace(/^source-/, '');
  const found = await findRepository(connectorDir, environment).catch(() => ({
    reason: 'git does not start',
  }));
  if ('reason' in found)
    return { local: `Packages in the run’s folder; no commit, as ${found.reason}.`, remote: null };
  const remote = await findGitHubRemote(found.repository);
  const local = `Packages in the run’s folder, and a commit on the branch connector/${name} of this repository.`;
  if (remote === undefined) return { local, remote: null };
  return {
    local,
    remote: `The branch is pushed to ${remote.host}/${remote.owner}/${remote.repo} (${remote.remote}) and a pull request is opened there, if there is a login (gh, or GH_TOKEN).`,
  };
}

/** Looks at the connector as it is now. */
export async function planPublication(d: PlanDependencies, context: StageContext): Promise<PublicationPlan> {
  const { environment = process.env } = d;
  const dir = context.connectorDir;
  const listed = await listFiles(dir);
  const files = await describeFiles(dir, listed.files);
  const secrets = await credentialsIn(d, context, listed.files, await knownSecrets(d, context));
  const { blueprint } = await readBriefPart(d, context, 'publication');
  return {
    schemaVersion: 1,
    connector: basename(dir),
    files,
    totalBytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    leftOut: listed.hidden,
    links: listed.links,
    secrets: secrets.map(({ file, line, kind }) => ({ file, line, kind })),
    licences: {
      connector: await connectorLicence(async (path) =>
        readFile(join(dir, path), 'utf8').catch(() => undefined),
      ),
      description: blueprint.api.licence ?? null,
    },
    destination: await destinationOf(dir, environment),
  };
}

/** Lists what would be published, for the gate. */
export async function writePlan(d: PlanDependencies, context: StageContext): Promise<PublicationPlan> {
  const plan = await planPublication(d, context);
  await context.writeArtifact(PLAN_FILE, plan);
  await context.writeArtifact(PLAN_PAGE, planPage(plan));
  return plan;
}

/** The plan in few lines: how much goes out, what holds it back, and where it goes. */
export function planLines(plan: PublicationPlan): string[] {
  const held = [
    ...plan.secrets.map(
      ({ file, line, kind }) => `Held back: ${file}:${line} looks like a credential (${kind}).`,
    ),
    ...plan.links.map((path) => `Held back: ${path} is a symbolic link.`),
  ];
  return [
    `${plan.files.length} files, ${kilobytes(plan.totalBytes)}, each listed in ${PLAN_PAGE}.`,
    ...held,
    ...(plan.leftOut.length === 0 ? [] : [`Left out as private: ${plan.leftOut.join(', ')}.`]),
    `Licence of the connector: ${plan.licences.connector ?? 'none named; add a LICENSE file if others are to use it'}.`,
    `Licence of the description: ${plan.licences.description ?? 'none named'}.`,
    plan.destination.local,
    plan.destination.remote ?? 'Nothing leaves this machine.',
  ];
}

function kilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} kB`;
}

/** Names of files may hold anything. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('`', "'").replace(/\s+/g, ' ');
}

/** The plan as a page. */
export function planPage(plan: PublicationPlan): string {
  return `${[
    `# What would be published of ${plan.connector}`,
    '',
    ...planLines(plan).map((line) => `- ${cell(line)}`),
    '',
    'While it is published, its test results, STATISTICS.md, provenance.json and, with agents, CHANGELOG.md are written anew.',
    '',
    '| File | Bytes | SHA-256 |',
    '| --- | ---: | --- |',
    ...plan.files.map(({ path, bytes, sha256 }) => `| \`${cell(path)}\` | ${bytes} | \`${sha256}\` |`),
  ].join('\n')}\n`;
}
