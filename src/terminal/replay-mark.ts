/**
 * The mark of a run that replays another: what it seems to have cost was paid when that one was recorded, and going on
 * with it by `resume` would ask models, which costs money.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import { replayCommand, type Session } from './session.ts';

const FILE = 'replay.json';
const ReplayMark = z.object({
  schemaVersion: z.literal(1),
  /** Id of the recorded run, and the folder that it was replayed from. */
  run: z.string(),
  folder: z.string(),
});
export type ReplayMark = z.infer<typeof ReplayMark>;

export async function markReplay(runDir: string, recorded: Omit<ReplayMark, 'schemaVersion'>): Promise<void> {
  const mark: ReplayMark = { schemaVersion: 1, ...recorded };
  await writeFile(join(runDir, FILE), `${JSON.stringify(mark, null, 2)}\n`);
}

/** Undefined for a run of its own. */
export async function readReplayMark(runDir: string): Promise<ReplayMark | undefined> {
  const text = await readFile(join(runDir, FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return ReplayMark.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** @throws SourcewrightError `input` for a replay: its next step would not come from the recording */
export async function refuseReplay(session: Session, runDir: string): Promise<void> {
  const mark = await readReplayMark(runDir);
  if (mark === undefined) return;
  throw new SourcewrightError(
    'input',
    'This run is a replay of another one: it can only go on as that one did.',
    {
      where: runDir,
      cure: `Replay it again with ${replayCommand(session, mark)}`,
    },
  );
}
