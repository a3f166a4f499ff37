/** Transcripts as people read them: one line for each turn, call and stop, with what it cost. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageName } from '../pipeline/contracts.ts';
import { type Usage } from '../pipeline/contracts.ts';
import { tokensText } from './usage-text.ts';
import { readTranscript, TRANSCRIPTS, type TranscriptEntry, usageOfRecords } from './transcript.ts';

export interface TranscriptLine {
  readonly at: string;
  readonly kind: 'turn' | 'tool' | 'refused' | 'wait' | 'note' | 'result';
  readonly text: string;
  /** US dollars; null where nothing was paid. */
  readonly usd: number | null;
}

export interface TranscriptView {
  readonly stage: StageName;
  readonly attempt: number;
  readonly model: string;
  readonly prompt: { readonly name: string; readonly sha256: string };
  readonly usage: Usage;
  readonly entries: readonly TranscriptLine[];
}

/** Characters of what a model said that a line shows. */
const SAID = 400;

/** All conversations of a run, in the order in which they began. @throws SourcewrightError `corrupt` */
export async function readTranscripts(runDir: string): Promise<TranscriptView[]> {
  const folder = join(runDir, TRANSCRIPTS);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jsonl'));
  const views: { readonly begun: string; readonly view: TranscriptView }[] = [];
  for (const name of names) {
    const entries = (await readTranscript(join(folder, name))) ?? [];
    const view = viewOf(entries);
    if (view !== undefined) views.push({ begun: entries[0]?.at ?? '', view });
  }
  return views.sort((a, b) => a.begun.localeCompare(b.begun)).map(({ view }) => view);
}

function viewOf(entries: readonly TranscriptEntry[]): TranscriptView | undefined {
  const begin = entries.find((entry) => entry.type === 'begin');
  if (begin === undefined) return undefined;
  return {
    stage: begin.stage,
    attempt: begin.attempt,
    model: entries.findLast((entry) => entry.type === 'asked')?.model ?? '',
    prompt: begin.prompt,
    usage: usageOfRecords(entries),
    entries: entries.flatMap((entry) => lineOf(entry) ?? []),
  };
}

function lineOf(entry: TranscriptEntry): TranscriptLine | undefined {
  const line = (kind: TranscriptLine['kind'], text: string, usd: number | null = null): TranscriptLine => ({
    at: entry.at,
    kind,
    text,
    usd,
  });
  switch (entry.type) {
    case 'begin':
    case 'asked':
      return undefined;
    case 'turn': {
      const said = saidIn(entry.content);
      return line('turn', `${tokensText(entry.usage)}${said === '' ? '' : `: ${said}`}`, entry.usage.usd);
    }
    case 'lost':
      return line('wait', `${entry.why}; asked again or stopped`, entry.usage.usd);
    case 'answer':
      return line(
        entry.refused ? 'refused' : 'tool',
        entry.isError && !entry.refused ? `${entry.label} (failed)` : entry.label,
      );
    case 'correction':
      return line('note', `result sent back: ${entry.reasons.join(' ')}`);
    case 'note':
      return line('note', entry.text);
    case 'stopped':
      return line('note', `stopped (${entry.cause}): ${entry.message}`);
    case 'result':
      return line('result', short(JSON.stringify(entry.value)));
  }
}

/** What the model wrote for people to read; results are shown by themselves. */
function saidIn(content: readonly { readonly [key: string]: unknown; readonly type: string }[]): string {
  const text = content
    .flatMap((block) => (block.type === 'text' && typeof block['text'] === 'string' ? [block['text']] : []))
    .join(' ')
    .trim();
  return text.startsWith('{') ? '' : short(text);
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= SAID ? line : `${line.slice(0, SAID - 1)}…`;
}
