/** `CHANGELOG.md` of the connector: one section for each run that published it, the newest on top. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeInside } from '../../workspace/files.ts';
import { paragraphs, sentence } from './plain.ts';
import { MAX_ITEM, MAX_SUMMARY, type PublicationWords } from './words.ts';

export const CHANGELOG = 'CHANGELOG.md';
const HEAD = '# Changelog\n\n';

/** Invisible on the page; words can't forge it, as they hold no angle brackets. */
function mark(runId: string): string {
  return `<!-- sourcewright-run: ${runId} -->`;
}

/** What the section is headed by: the version in `pyproject.toml` and the day the run began. */
export interface Release {
  readonly runId: string;
  readonly version: string;
  readonly date: string;
}

/** The version of `[project]` in `pyproject.toml`. */
export async function projectVersion(dir: string): Promise<string> {
  const text = await readFile(join(dir, 'pyproject.toml'), 'utf8').catch(() => '');
  const project = /^\[project\]\s*$([\s\S]*?)(?=^\[|(?![\s\S]))/m.exec(text)?.[1] ?? '';
  return /^version\s*=\s*["']([\w.+!-]{1,40})["']/m.exec(project)?.[1] ?? 'Unreleased';
}

/** The day a run began, of its id (`20261121-031200-ynab-3f2a`); else that of its evidence. */
export function runDate(runId: string, otherwise: string): string {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})-/.exec(runId) ?? [];
  if (year === undefined || month === undefined || day === undefined) return otherwise.slice(0, 10);
  return `${year}-${month}-${day}`;
}

export function sectionText({ runId, version, date }: Release, words: PublicationWords): string {
  const items = (list: readonly string[]): string[] => list.map((item) => `- ${sentence(item, MAX_ITEM)}`);
  const parts = [
    `## ${version} - ${date}`,
    mark(runId),
    ...paragraphs(words.summary, MAX_SUMMARY),
    ...(words.changes.length === 0 ? [] : [items(words.changes).join('\n')]),
    ...(words.notes.length === 0 ? [] : ['Notes:', items(words.notes).join('\n')]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** What stands before the first section, and the sections with their headings. */
function split(text: string): { head: string; sections: string[] } {
  const [first = '', ...rest] = text.split(/^(?=## )/m);
  return first.startsWith('## ') ? { head: '', sections: [first, ...rest] } : { head: first, sections: rest };
}

/** Headings of sections that other runs or a person wrote, newest first: the connector was published before. */
export async function earlierReleases(dir: string, runId: string): Promise<string[]> {
  const text = await readFile(join(dir, CHANGELOG), 'utf8').catch(() => '');
  return split(text.replaceAll('\r\n', '\n'))
    .sections.filter((section) => !section.includes(mark(runId)))
    .map((section) => (section.split('\n')[0] ?? '').replace(/^##\s*/, '').slice(0, 80));
}

/**
 * The changelog with this run's section. One that this run wrote before is replaced; one that reads otherwise than we wrote
 * it was edited by a person and stays: then undefined. Exported for its tests.
 */
export function withSection(
  text: string,
  runId: string,
  section: string,
  written: readonly string[],
): string | undefined {
  const { head, sections } = split(text);
  const at = sections.findIndex((one) => one.includes(mark(runId)));
  const old = sections[at];
  if (old === undefined) {
    const before = head.trim() === '' ? HEAD : `${head.trimEnd()}\n\n`;
    const after = sections.length === 0 ? '' : `\n${sections.join('')}`;
    return `${before}${section}${after}`;
  }
  if (![section, ...written].some((known) => known.trim() === old.trim())) return undefined;
  const last = at === sections.length - 1;
  return `${head}${sections.with(at, last ? section : `${section}\n`).join('')}`;
}

/**
 * Writes this run's section, once however often it is called.
 * @param written sections that this run has written before
 * @returns what the person should know
 * @throws SourcewrightError `environment` when the file can't be written
 */
export async function writeChangelog(
  dir: string,
  runId: string,
  section: string,
  written: readonly string[],
): Promise<string[]> {
  const found = await readFile(join(dir, CHANGELOG), 'utf8').catch(() => '');
  const newline = found.includes('\r\n') ? '\r\n' : '\n';
  const text = withSection(found.replaceAll('\r\n', '\n'), runId, section, written);
  if (text === undefined) return [`${CHANGELOG} was left as you edited it.`];
  const content = text.replaceAll('\n', newline);
  if (content !== found) await writeInside(dir, CHANGELOG, content);
  return [];
}
