/** What the judge of clients found, as a table in a Markdown file. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One client's verdict on one connector. */
export interface Verdict {
  readonly client: string;
  readonly right: boolean;
  /** What came of it, short enough for a table. */
  readonly brief: string;
  /** What came of it, and what went wrong. */
  readonly words: string;
}

/** All clients' verdicts on one connector. */
export interface Judged {
  readonly api: string;
  readonly streams: number;
  readonly incremental: number;
  readonly verdicts: readonly Verdict[];
}

const BEGIN = '<!-- written by: npm run judge:strangers -- --markdown -->';
const END = '<!-- end of what is written -->';

/** Puts the table between its two marks; the rest of the file stays as it is. */
export async function writeReport(
  file: string,
  judged: readonly Judged[],
  leftOut: readonly string[],
): Promise<void> {
  const text = await readFile(file, 'utf8');
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`${file}: the marks of the table are missing`);
  const content = [await versions(), '', ...table(judged), ...missing(leftOut)].join('\n');
  await writeFile(file, `${text.slice(0, before + BEGIN.length)}\n\n${content}\n\n${text.slice(after)}`);
}

async function versions(): Promise<string> {
  const lists = ['requirements-airbyte.txt', 'requirements-faces.txt'].map((name) =>
    readFile(join(import.meta.dirname, name), 'utf8'),
  );
  const pins = new Set((await Promise.all(lists)).flatMap((list) => list.trim().split('\n')));
  const shown = [...pins].filter((pin) => !/^(hatchling|tenacity|httpx)=/.test(pin));
  return `Clients: ${shown.map((pin) => pin.replace('==', ' ')).join(', ')}.`;
}

function table(judged: readonly Judged[]): string[] {
  const clients = [...new Set(judged.flatMap(({ verdicts }) => verdicts.map(({ client }) => client)))];
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const head = ['API', 'streams (incremental)', ...clients];
  return [
    row(head),
    row(head.map(() => '---')),
    ...judged.map(({ api, streams, incremental, verdicts }) =>
      row([
        api,
        `${streams} (${incremental})`,
        ...clients.map((client) => {
          const verdict = verdicts.find((one) => one.client === client);
          if (verdict === undefined) return 'not run';
          return `${verdict.right ? 'ok' : '**wrong**'}: ${verdict.brief.replaceAll('|', '\\|')}`;
        }),
      ]),
    ),
  ];
}

function missing(leftOut: readonly string[]): string[] {
  return leftOut.length === 0 ? [] : ['', `Left out, for want of their descriptions: ${leftOut.join(', ')}.`];
}
