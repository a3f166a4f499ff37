/**
 * What agents wrote into a connector, beside what was compiled (`.sourcewright/generated/`, for it belongs to the connector
 * and not to a run). An agent's edit may give way to a new generation, for an agent can make it again; a person's may not.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { StageContext } from '../../pipeline/contracts.ts';
import { hashFile, sha256, writeInside } from '../../workspace/files.ts';
import { baselinePath, type Emission, readBaseline } from './emit.ts';

/** An agent's edit that gave way: what had been compiled, and what the agent had made of it. */
const LostEdit = z.object({ path: z.string(), base: z.string(), content: z.string() });
export type LostEdit = z.infer<typeof LostEdit>;

const AgentEdits = z.object({
  schemaVersion: z.literal(1),
  /** Hash by path of files in which nothing but compiled text and agents' edits stands. */
  files: z.record(z.string(), z.string()),
  lost: z.array(LostEdit),
});
type AgentEdits = z.infer<typeof AgentEdits>;

type Place = Pick<StageContext, 'request' | 'connectorDir'>;

function editsPath({ request, connectorDir }: Place): string {
  return baselinePath(request.workspace, connectorDir).replace(/\.json$/, '.agents.json');
}

/** A damaged memory only costs: files then count as edited by a person. */
async function read(place: Place): Promise<AgentEdits> {
  try {
    return AgentEdits.parse(JSON.parse(await readFile(editsPath(place), 'utf8')));
  } catch {
    return { schemaVersion: 1, files: {}, lost: [] };
  }
}

async function write(place: Place, edits: AgentEdits): Promise<void> {
  const path = editsPath(place);
  await mkdir(dirname(path), { recursive: true });
  await writeInside(dirname(path), basename(path), JSON.stringify(edits));
}

/** Hashes, by path, of files that only agents edited. */
export async function agentEdits(place: Place): Promise<ReadonlyMap<string, string>> {
  return new Map(Object.entries((await read(place)).files));
}

/** State of the connector's files: hash by path. */
export type FileHashes = ReadonlyMap<string, string>;

/** Paths whose files differ between two states, sorted. */
export function differingPaths(before: FileHashes, after: FileHashes): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path)).sort();
}

/**
 * Takes what changed between two states as an agent's work. A file that a person had edited before stays a person's.
 */
export async function rememberAgentEdits(place: Place, before: FileHashes, after: FileHashes): Promise<void> {
  const changed = differingPaths(before, after);
  if (changed.length === 0) return;
  const edits = await read(place);
  const baseline = await readBaseline(baselinePath(place.request.workspace, place.connectorDir));
  const files = new Map(Object.entries(edits.files));
  for (const path of changed) {
    const was = before.get(path);
    const base = baseline.get(path);
    const own = was === undefined || was === files.get(path) || (base !== undefined && was === sha256(base));
    const now = after.get(path);
    if (own && now !== undefined) files.set(path, now);
    else files.delete(path);
  }
  await write(place, { ...edits, files: Object.fromEntries(files) });
}

/** Of the files that only agents edited, those that are still as they left them. */
export async function standingEdits(place: Place): Promise<ReadonlySet<string>> {
  const standing = new Set<string>();
  for (const [path, hash] of await agentEdits(place)) {
    if ((await hashFile(join(place.connectorDir, path))) === hash) standing.add(path);
  }
  return standing;
}

/**
 * Follows a new generation: merged files are still only agents' where they were before, and edits that gave way are kept
 * until an agent has seen them.
 */
export async function followEmission(
  place: Place,
  emission: Emission,
  standing: ReadonlySet<string>,
): Promise<void> {
  const merged = emission.merged.filter((path) => standing.has(path));
  if (merged.length === 0 && emission.replaced.length === 0) return;
  const edits = await read(place);
  const files = new Map(Object.entries(edits.files));
  for (const path of merged) {
    const now = await hashFile(join(place.connectorDir, path));
    if (now !== undefined) files.set(path, now);
  }
  for (const { path } of emission.replaced) files.delete(path);
  const renewed = new Set(emission.replaced.map(({ path }) => path));
  const lost = [...edits.lost.filter(({ path }) => !renewed.has(path)), ...emission.replaced];
  await write(place, { ...edits, files: Object.fromEntries(files), lost });
}

/** Edits that gave way and that no agent has been told of since. */
export async function lostEdits(place: Place, wanted: (path: string) => boolean): Promise<LostEdit[]> {
  return (await read(place)).lost.filter(({ path }) => wanted(path));
}

/** An agent has seen them and done what was needed. */
export async function forgetLostEdits(place: Place, wanted: (path: string) => boolean): Promise<void> {
  const edits = await read(place);
  if (!edits.lost.some(({ path }) => wanted(path))) return;
  await write(place, { ...edits, lost: edits.lost.filter(({ path }) => !wanted(path)) });
}
