/** The conversations of a run's agents, a line for each thing that happened, for `show`. */
import type { TranscriptView } from '../agents/transcript-view.ts';
import { tokenNumbers } from './report.ts';
import { count, dollars, oneLine, painter, type Colour, type Terminal } from './terminal.ts';

type Entry = TranscriptView['entries'][number];

/** Width where the output is not shown on a terminal. */
const FILE_WIDTH = 160;
const LEAST_WIDTH = 60;
const HASH_LENGTH = 12;
const COLOURS: Partial<Record<Entry['kind'], Colour>> = { refused: 'red', wait: 'yellow', result: 'green' };

export function transcriptLines(terminal: Terminal, transcripts: readonly TranscriptView[]): string[] {
  const width = terminal.live ? Math.max(LEAST_WIDTH, terminal.columns() - 1) : FILE_WIDTH;
  const paint = painter(terminal.colour);
  return transcripts.flatMap((transcript) => [
    '',
    paint('bold', heading(transcript)),
    `  ${paint('dim', `${tokenNumbers(transcript.usage)}, prompt ${promptOf(transcript)}`)}`,
    ...transcript.entries.map((entry) => entryLine(entry)),
  ]);

  /** `  03:12:04  tool     read_description https://…                      $0.0123` */
  function entryLine(entry: Entry): string {
    const amount = entry.usd === null ? '' : dollars(entry.usd);
    const cost = amount === '' ? '' : `  ${amount}`;
    const colour = COLOURS[entry.kind];
    const kind = entry.kind.padEnd(7);
    const head = `  ${entry.at.slice(11, 19)}  ${kind}  `;
    // A turn's text may name its cost as well: once is enough.
    const said = amount === '' ? entry.text : entry.text.replace(`, ${amount}`, '');
    const text = oneLine(said, width - head.length - cost.length);
    const painted = colour === undefined ? head : head.replace(kind, paint(colour, kind));
    return `${painted}${text}${paint('dim', cost)}`.trimEnd();
  }
}

function heading({ stage, attempt, model, usage }: TranscriptView): string {
  const times = attempt > 1 ? ` (${attempt})` : '';
  return `${stage}${times}: ${oneLine(model, 80)}, ${count(usage.requests, 'request')}, ${dollars(usage.usd)}`;
}

/** Which version of the prompt it was: its name and the beginning of its hash. */
function promptOf({ prompt }: TranscriptView): string {
  return `${oneLine(prompt.name, 80)} ${prompt.sha256.slice(0, HASH_LENGTH)}`;
}
