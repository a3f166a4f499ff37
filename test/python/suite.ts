/**
 * The Python side of the tests. Compiles connectors from blueprints that between them use the whole template, and
 * judges each as a stranger would: ruff, ruff's formatter, mypy --strict, and the connector's own tests. Then the tests
 * are judged: a mistake is planted into the code, and they must fail.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Blueprint } from '../../src/blueprint/schema.ts';
import { readSource } from '../../src/stages/research/read-source.ts';
import { blueprints, cache, connectorDir, environment, root, writeConnector } from '../liars/connectors.ts';
import { plant } from '../liars/defect.ts';
import { generatedTests } from '../liars/generated-tests.ts';
import { each, run, tail, type Outcome } from '../liars/process.ts';
import { mutants, type Mutant } from './mutants.ts';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const failures: string[] = [];
let reported = 0;

function report(name: string, done: Outcome): void {
  reported += 1;
  const summary = tail(done.output, 1).trim();
  say(`${done.code === 0 ? 'ok  ' : 'FAIL'} ${name}${summary === '' ? '' : `: ${summary}`}`);
  if (done.code !== 0) {
    failures.push(name);
    say(tail(done.output));
  }
}

/** Judges one compiled connector. */
async function judge(python: string, blueprint: Blueprint): Promise<void> {
  const dir = await writeConnector(blueprint);
  const python3 = (args: readonly string[]): Promise<Outcome> => run(python, ['-m', ...args], dir);
  const name = `source-${blueprint.name}`;
  const checks: [string, string[]][] = [
    ['compiles', ['compileall', '-q', 'src', 'tests']],
    ['ruff', ['ruff', 'check', '--no-cache', '--quiet', '.']],
    ['format', ['ruff', 'format', '--no-cache', '--check', '--quiet', 'src', 'tests']],
    ['mypy', ['mypy', '--cache-dir', join(cache, 'mypy', blueprint.name)]],
    ['tests', ['pytest', '-p', 'no:cacheprovider']],
  ];
  for (const [check, args] of checks) report(`${name} ${check}`, await python3(args));
}

/** Plants a mistake into a copy of a connector; its tests must fail. */
async function judgeMutant(python: string, mutant: Mutant): Promise<void> {
  const dir = join(cache, 'mutants', mutant.name);
  const name = `mutant ${mutant.name}`;
  try {
    await plant(mutant, connectorDir(mutant.connector), dir);
  } catch (error) {
    report(name, { code: 1, output: String(error) });
    return;
  }
  const { killed, by } = await generatedTests(python, mutant, dir);
  report(name, killed ? { code: 0, output: by } : { code: 1, output: `survived: ${by}` });
  await rm(dir, { recursive: true, force: true });
}

/** Blueprints that come with the product, for the APIs whose published connectors are known for their bugs. */
function published(): Promise<Blueprint[]> {
  const names = ['google-sheets', 'notion'];
  return Promise.all(names.map((name) => readSource(join(root, `sample/blueprints/${name}.yaml`))));
}

async function main(args: readonly string[]): Promise<void> {
  const named = args.filter((one) => !one.startsWith('--'));
  const wanted = (name: string): boolean => named.length === 0 || named.includes(name);
  const started = Date.now();
  const python = await environment();
  await each(
    [...blueprints, ...(await published())].filter((one) => wanted(one.name)),
    (one) => judge(python, one),
  );
  if (named.length === 0) {
    const everything = connectorDir('everything');
    const own = (folder: string): string[] => [
      '-m',
      'pytest',
      '-q',
      '-p',
      'no:cacheprovider',
      '--rootdir',
      join(root, 'test/python', folder),
      '-c',
      join(root, 'test/python/pytest.ini'),
      join(root, 'test/python', folder),
    ];
    const suites: [string, string, string][] = [
      ['data face', 'data_face', everything],
      ['agent face', 'agent_face', root],
      ['bugs of published connectors', 'published_bugs', everything],
    ];
    await each(suites, async ([name, folder, cwd]) => {
      report(name, await run(python, own(folder), cwd));
    });
  }
  if (!args.includes('--no-mutants')) {
    await each(
      mutants.filter((one) => wanted(one.connector)),
      (one) => judgeMutant(python, one),
    );
  }
  const seconds = Math.round((Date.now() - started) / 1000);
  say(
    failures.length === 0
      ? `All passed in ${String(seconds)} s.`
      : `${String(failures.length)} failed: ${failures.join(', ')}`,
  );
  // For `npm test`, which adds the numbers of all suites up.
  const counts = process.env['SOURCEWRIGHT_TEST_COUNTS'];
  if (counts !== undefined) {
    const passed = reported - failures.length;
    await writeFile(counts, JSON.stringify({ passed, failed: failures.length, skipped: 0 }));
  }
  process.exitCode = failures.length === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
