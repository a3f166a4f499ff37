/** The conversations that agents of a run have had, as files in its folder. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { StageName } from '../../pipeline/contracts.ts';
import { STAGE_LABEL } from '../present.ts';

export interface TranscriptFile {
  readonly stage: StageName;
  readonly attempt: number;
  readonly path: string;
}

/** Of which conversation the file is; undefined where it is none. */
export function transcriptOf(path: string): TranscriptFile | undefined {
  const [, stage, attempt] = /(?:^|[\\/])transcripts[\\/]([a-z]+)-([1-9]\d*)\.jsonl$/.exec(path) ?? [];
  if (stage === undefined || attempt === undefined || !isStage(stage)) return undefined;
  return { stage, attempt: Number(attempt), path };
}

function isStage(name: string): name is StageName {
  return Object.hasOwn(STAGE_LABEL, name);
}

/** Those of a run, in order of stage and attempt. A run by rules has none. */
export async function listTranscripts(runDir: string): Promise<TranscriptFile[]> {
  const folder = join(runDir, 'transcripts');
  const names = await readdir(folder).catch(() => []);
  const stages = Object.keys(STAGE_LABEL);
  return names
    .flatMap((name) => transcriptOf(join(folder, name)) ?? [])
    .sort((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage) || a.attempt - b.attempt);
}

/** `transcripts/generate-1.jsonl`, as it is named within the run. */
export function nameInRun({ path }: TranscriptFile): string {
  return `transcripts/${basename(path)}`;
}
