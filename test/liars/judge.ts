/**
 * Plants every defect into its connector and lets three judges look for it: the tests that the connector comes with, our
 * conformance suite, and airbyte-cdk's standard tests. Prints which of them noticed what.
 *
 *     npm run liars -- [--only ID]… [--kind KIND]… [--without-peers] [--json FILE] [--markdown FILE]
 *     npm run liars -- --from FILE… --markdown FILE
 *
 * The second form judges nothing: it writes the page from what earlier runs put into their `--json` files, where a defect stands in several the last one counts.
 *
 * Exits with 1 where the connector's own tests or our suite let a defect live.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { mutants } from '../python/mutants.ts';
import { airbyteEnvironment, airbyteTests } from './airbyte.ts';
import { conformanceSuite } from './conformance.ts';
import { blueprints, cache, connectorDir, environment, writeConnector } from './connectors.ts';
import { plant, type Defect } from './defect.ts';
import { generatedTests, type Verdict } from './generated-tests.ts';
import { markdown, rowsOf } from './markdown.ts';
import { each } from './process.ts';

const JUDGES = ['generated tests', 'conformance', 'airbyte-cdk'] as const;
type Judge = (typeof JUDGES)[number];

/** Our own: they must notice every defect. */
const STRICT: readonly Judge[] = ['generated tests', 'conformance'];

interface Row {
  readonly defect: Defect;
  readonly verdicts: Partial<Record<Judge, Verdict>>;
}

interface Judging {
  readonly python: string;
  /** Absent where the peers are not asked. */
  readonly airbyte: string | undefined;
}

function verdict(judge: Judge, { python, airbyte }: Judging, defect: Defect, dir: string): Promise<Verdict> {
  if (judge === 'generated tests') return generatedTests(python, defect, dir);
  if (judge === 'conformance') return conformanceSuite(python, dir);
  if (airbyte === undefined) throw new Error('There is no environment with airbyte-cdk.');
  return airbyteTests(python, airbyte, dir);
}

/** Lets the judges look at a defect, each in a copy of its own. */
async function examine(judging: Judging, defect: Defect): Promise<Row> {
  const verdicts: Row['verdicts'] = {};
  for (const judge of JUDGES) {
    if (judge === 'airbyte-cdk' && judging.airbyte === undefined) continue;
    const folder = join(cache, 'liars', defect.name, judge.replace(' ', '-'));
    const dir = join(folder, `source-${defect.connector}`);
    try {
      await plant(defect, connectorDir(defect.connector), dir);
      verdicts[judge] = await verdict(judge, judging, defect, dir);
    } catch (error) {
      verdicts[judge] = { killed: false, by: String(error) };
    }
    await rm(folder, { recursive: true, force: true });
  }
  return { defect, verdicts };
}

/** The unchanged connectors must pass: a judge that fails them notices nothing. */
async function sound(judging: Judging, names: ReadonlySet<string>): Promise<string[]> {
  const wrong: string[] = [];
  const chosen = blueprints.filter((one) => names.has(one.name));
  await each(chosen, async (blueprint) => {
    await writeConnector(blueprint);
    const unchanged: Defect = {
      ...{ name: `unchanged-${blueprint.name}`, kind: 'protocol', words: 'nothing is wrong' },
      ...{ connector: blueprint.name, file: 'connector.py', find: '"""', replace: '"""' },
    };
    const { verdicts } = await examine(judging, unchanged);
    for (const [judge, { killed, by }] of Object.entries(verdicts)) {
      if (killed || !/^(?:all passed|exit 0)/.test(by))
        wrong.push(`source-${blueprint.name}, ${judge}: ${by}`);
    }
  });
  return wrong;
}

function mark(found: Verdict | undefined): string {
  if (found === undefined) return '—';
  return found.killed ? 'killed' : 'LIVES';
}

function line(cells: readonly string[]): string {
  const widths = [40, 13, 17, 13, 13];
  return cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function printRow({ defect, verdicts }: Row): void {
  print(line([defect.name, defect.kind, ...JUDGES.map((judge) => mark(verdicts[judge])), defect.words]));
  for (const judge of STRICT) {
    const found = verdicts[judge];
    if (found?.killed === false) print(`    ${judge}: ${found.by.split('\n').join('\n    ')}`);
  }
}

async function writePage(from: readonly string[], to: string): Promise<void> {
  const options = { ...(await resolveConfig(to)), parser: 'markdown' };
  await writeFile(to, await format(markdown(await rowsOf(from)), options));
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      kind: { type: 'string', multiple: true, default: [] },
      'without-peers': { type: 'boolean', default: false },
      json: { type: 'string' },
      markdown: { type: 'string' },
      from: { type: 'string', multiple: true, default: [] },
    },
  });
  if (values.from.length > 0) {
    await writePage(values.from, values.markdown ?? '');
    return 0;
  }
  const unknown = values.only.filter((name) => !mutants.some((one) => one.name === name));
  const chosen = mutants.filter(
    ({ name, kind }) =>
      (values.only.length === 0 || values.only.includes(name)) &&
      (values.kind.length === 0 || values.kind.includes(kind)),
  );
  if (unknown.length > 0 || chosen.length === 0) {
    print(`There is no such defect: ${[...unknown, ...values.kind].join(', ')}.`);
    return 2;
  }
  const judging = {
    python: await environment(),
    airbyte: values['without-peers'] ? undefined : await airbyteEnvironment(),
  };
  const wrong = await sound(judging, new Set(chosen.map(({ connector }) => connector)));
  if (wrong.length > 0) {
    print(`Unchanged connectors do not pass:\n${wrong.join('\n')}`);
    return 1;
  }
  print(line(['defect', 'kind', ...JUDGES, 'what it does']));
  const rows: Row[] = [];
  await each(chosen, async (defect) => {
    const row = await examine(judging, defect);
    rows.push(row);
    printRow(row);
  });
  const killed = (judge: Judge): number => rows.filter(({ verdicts }) => verdicts[judge]?.killed).length;
  const asked = (judge: Judge): number => rows.filter(({ verdicts }) => verdicts[judge] !== undefined).length;
  print(
    `${String(rows.length)} defects. ${JUDGES.map((judge) => `${judge}: ${String(killed(judge))} of ${String(asked(judge))} killed`).join('; ')}.`,
  );
  const json = values.json ?? (values.markdown === undefined ? undefined : join(cache, 'liars.json'));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(rows, null, 1)}\n`);
  if (json !== undefined && values.markdown !== undefined) await writePage([json], values.markdown);
  return STRICT.every((judge) => killed(judge) === rows.length) ? 0 : 1;
}

process.exitCode = await main();
