/** `docs/liars.md`: which judge noticed which defect, made of what the judging wrote down and of nothing else. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const Found = z.object({ killed: z.boolean(), by: z.string() });
const Row = z.object({
  defect: z.looseObject({ name: z.string(), kind: z.string(), words: z.string(), connector: z.string() }),
  verdicts: z.partialRecord(z.enum(['generated tests', 'conformance', 'airbyte-cdk']), Found),
});
type Row = z.infer<typeof Row>;

const JUDGES = ['generated tests', 'conformance', 'airbyte-cdk'] as const;

/** Rows of reports written with `--json`; where a defect stands in several, the last one counts for each judge. */
export async function rowsOf(files: readonly string[]): Promise<Row[]> {
  const rows = new Map<string, Row>();
  for (const file of files) {
    for (const row of z.array(Row).parse(JSON.parse(await readFile(file, 'utf8')))) {
      const before = rows.get(row.defect.name);
      rows.set(row.defect.name, { ...row, verdicts: { ...before?.verdicts, ...row.verdicts } });
    }
  }
  return [...rows.values()];
}

function cell(row: Row, judge: (typeof JUDGES)[number]): string {
  const found = row.verdicts[judge];
  if (found === undefined) return 'not asked';
  if (!found.killed) return '**lives**';
  const name = found.by.split('::').pop() ?? found.by;
  return found.by === 'time limit' ? 'time limit' : `\`${name.replace(/^tests\//, '')}\``;
}

function counts(rows: readonly Row[]): string[] {
  return JUDGES.map((judge) => {
    const asked = rows.filter(({ verdicts }) => verdicts[judge] !== undefined);
    const killed = asked.filter(({ verdicts }) => verdicts[judge]?.killed === true);
    return asked.length === 0
      ? `- ${judge}: not asked`
      : `- ${judge}: ${killed.length} of ${asked.length} noticed`;
  });
}

/** The page. Kinds and defects stand in the order of their names, so that the same judging gives the same bytes. */
export function markdown(rows: readonly Row[]): string {
  const kinds = [...new Set(rows.map(({ defect }) => defect.kind))].sort();
  const byName = (a: Row, b: Row): number => (a.defect.name < b.defect.name ? -1 : 1);
  const tables = kinds.flatMap((kind) => [
    '',
    `## ${kind[0]?.toUpperCase() ?? ''}${kind.slice(1)}`,
    '',
    `| defect | what the connector does | planted into | ${JUDGES.join(' | ')} |`,
    '| --- | --- | --- | --- | --- | --- |',
    ...rows
      .filter(({ defect }) => defect.kind === kind)
      .sort(byName)
      .map((row) => {
        const { name, words, connector } = row.defect;
        const cells = JUDGES.map((judge) => cell(row, judge));
        return `| \`${name}\` | ${words.replaceAll('|', '\\|')} | ${connector} | ${cells.join(' | ')} |`;
      }),
  ]);
  return `${[
    '# Planted defects, and who notices them',
    '',
    'Written by `npm run liars -- --json FILE --markdown docs/liars.md` from what the judges said; not by hand. Each defect is a small',
    'mistake, planted into a copy of a compiled connector. Where it was noticed, the first test or check that failed is named.',
    'airbyte-cdk stands for its standard tests, as `airbyte-cdk connector test` runs them.',
    '',
    `${rows.length} defects:`,
    '',
    ...counts(rows),
    ...tables,
  ].join('\n')}\n`;
}
