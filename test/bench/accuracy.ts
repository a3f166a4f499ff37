/**
 * How right the rules are: blueprints of real descriptions against what hand-made connectors for the same APIs do.
 *
 *   npm run bench:accuracy -- <corpus folder> [--verbose]       (or SOURCEWRIGHT_CORPUS)
 *
 * The corpus has a folder per API with `openapi.*` and `answer.json`. It is not part of the repository. Each fact is
 * scored twice: against the answer as it is, and of what the document says, which leaves out answers that the document
 * does not hold (a filter that it does not declare, a field that it does not show). Beside every wrong fact stands
 * whether the blueprint had stated a gap for it.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Stream } from '../../src/blueprint/schema.ts';
import { readDescription } from '../../src/openapi/read.ts';
import { buildBlueprint } from '../../src/openapi/rules/blueprint.ts';
import { type Answer, type AnswerStream, FACTS, type Judgement, judge, locate } from './accuracy-judge.ts';

interface Row extends Judgement {
  readonly api: string;
  readonly answer: AnswerStream;
  readonly stream: Stream | undefined;
}

async function main(): Promise<number> {
  const verbose = process.argv.includes('--verbose');
  const folder =
    process.argv.slice(2).find((argument) => !argument.startsWith('--')) ??
    process.env['SOURCEWRIGHT_CORPUS'];
  if (folder === undefined || !existsSync(folder)) {
    console.error(
      folder === undefined
        ? 'No corpus given: npm run bench:accuracy -- <folder>, or set SOURCEWRIGHT_CORPUS. Nothing was measured.'
        : `There is no folder ${folder}. Nothing was measured.`,
    );
    return 2;
  }
  const rows: Row[] = [];
  let absent = 0;
  for (const api of readdirSync(folder).sort()) {
    const answerFile = join(folder, api, 'answer.json');
    if (!existsSync(answerFile)) continue;
    const file = readdirSync(join(folder, api)).find((name) => /^openapi\.(ya?ml|json)$/.test(name));
    if (file === undefined) continue;
    const answers = JSON.parse(readFileSync(answerFile, 'utf8')) as Answer;
    const description = await readDescription(join(folder, api, file));
    const blueprint = buildBlueprint(description, {});
    for (const answer of answers.streams) {
      const place = locate(description, blueprint, answer);
      if (!place.inDocument) {
        absent += 1;
        continue;
      }
      rows.push({
        api,
        answer,
        stream: place.stream,
        ...judge(description, blueprint, answer, place.stream),
      });
    }
  }
  report(rows, absent, verbose);
  return rows.length === 0 ? 1 : 0;
}

function report(rows: readonly Row[], absent: number, verbose: boolean): void {
  const percent = (part: number, whole: number): string =>
    whole === 0 ? '   –' : `${String(Math.round((100 * part) / whole)).padStart(3)}%`;
  console.log(
    `${String(rows.length)} streams of hand-made connectors stand in their documents (${String(absent)} do not)\n`,
  );
  console.log('fact          as the answer says    of what the document says    wrong with a gap stated');
  const found = rows.filter((row) => row.stream !== undefined);
  const line = (
    name: string,
    right: number,
    all: number,
    told: number,
    ofTold: number,
    gaps: string,
  ): void => {
    console.log(
      `${name.padEnd(13)} ${percent(right, all)}  ${`${String(right)}/${String(all)}`.padEnd(12)}   ${percent(told, ofTold)}  ${`${String(told)}/${String(ofTold)}`.padEnd(18)}  ${gaps}`,
    );
  };
  line('found', found.length, rows.length, found.length, rows.length, '');
  for (const fact of FACTS) {
    const right = found.filter((row) => row.facts[fact].right).length;
    const told = found.filter((row) => row.facts[fact].stated);
    const wrong = found.filter((row) => !row.facts[fact].right);
    const gaps = wrong.filter((row) => row.facts[fact].gap).length;
    line(
      fact,
      right,
      found.length,
      told.filter((row) => row.facts[fact].right).length,
      told.length,
      `${String(gaps)}/${String(wrong.length)}`,
    );
  }
  const whole = (row: Row, only: boolean): boolean =>
    row.stream !== undefined &&
    FACTS.every((fact) => row.facts[fact].right || (only && !row.facts[fact].stated));
  const wrong = rows.filter((row) => !whole(row, true));
  const excused = wrong.filter(
    (row) =>
      row.stream !== undefined &&
      FACTS.every((fact) => row.facts[fact].right || !row.facts[fact].stated || row.facts[fact].gap),
  ).length;
  line(
    'all right',
    rows.filter((row) => whole(row, false)).length,
    rows.length,
    rows.length - wrong.length,
    rows.length,
    `${String(excused)}/${String(wrong.length)}`,
  );
  console.log('');
  for (const row of rows) {
    if (row.stream === undefined) {
      console.log(`${row.api}/${row.answer.name}: not found (${row.answer.path})`);
      continue;
    }
    for (const fact of FACTS) {
      const judged = row.facts[fact];
      if (judged.right || (!judged.stated && !verbose)) continue;
      console.log(
        `${row.api}/${row.answer.name} ${fact}: ours ${judged.ours}, theirs ${judged.theirs}${judged.stated ? '' : ' (not in the document)'}${judged.gap ? ', gap stated' : ', NO GAP'}`,
      );
    }
  }
}

process.exitCode = await main();
