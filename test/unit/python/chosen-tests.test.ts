/** Chosen tests: what pytest is started with, and what is made of how it ended. The real pytest runs in the editor's suite. */
import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import type { Command, CommandResult } from '../../../src/pipeline/contracts.ts';
import { type ChosenOutcome, runChosen } from '../../../src/python/chosen-tests.ts';

const CASE = '<testcase classname="tests.test_a" name="test_x" file="tests/test_a.py" line="3" time="0.1"/>';
const SKIPPED = CASE.replace('/>', '><skipped message="later"/></testcase>');
const junit = (...cases: string[]): string =>
  `<testsuites><testsuite tests="${cases.length}">${cases.join('')}</testsuite></testsuites>`;

interface Ran {
  readonly command: Command;
  readonly outcome: ChosenOutcome;
  readonly list: string | undefined;
}

async function ran(
  ids: readonly string[],
  written: string | undefined,
  end: CommandResult | undefined,
  signal = new AbortController().signal,
): Promise<Ran> {
  let command: Command | undefined;
  let list: string | undefined;
  const outcome = await runChosen({
    connectorDir: tmpdir(),
    environment: { dir: '/env', python: '/env/bin/python', version: '3.12.0', key: 'k' },
    ids,
    title: 'Chosen',
    timeoutMs: 1000,
    signal,
    start: (given) => {
      command = given;
      const path = given.args.find((arg) => arg.startsWith('--junitxml='))?.slice(11) ?? '';
      if (written !== undefined) writeFileSync(path, written);
      const file = given.args.find((arg) => arg.startsWith('@'))?.slice(1);
      list = file === undefined ? undefined : readFileSync(file, 'utf8');
      return Promise.resolve(end);
    },
  });
  assert.ok(command);
  return { command, outcome, list };
}

const ended = (exitCode: number | null): CommandResult => ({ exitCode, timedOut: false });

describe('chosen tests', () => {
  it('are named to pytest as they are, in an environment without the person’s own', async () => {
    process.env['SUITE_TOKEN'] = 'must not be seen';
    const { command, outcome } = await ran(['tests/test_a.py::test_x[a b]'], junit(CASE), ended(0));
    delete process.env['SUITE_TOKEN'];
    assert.deepEqual(command.args.slice(0, 4), ['-P', '-m', 'pytest', 'tests/test_a.py::test_x[a b]']);
    assert.ok(!command.args.includes('tests'));
    assert.ok(!JSON.stringify(command.env).includes('must not be seen'));
    assert.deepEqual(outcome.problem, undefined);
    assert.deepEqual(
      outcome.cases.map(({ id, line }) => [id, line]),
      [['tests/test_a.py::test_x', 4]],
    );
    assert.equal(existsSync(dirname(command.env['HOME'] ?? '')), true);
    assert.equal(existsSync(command.env['HOME'] ?? ''), false, 'its home was left behind');
  });

  it('go through a file where there are too many for a command line', async () => {
    const ids = Array.from({ length: 500 }, (_, index) => `tests/test_a.py::test_${index}`);
    const { command, list } = await ran(ids, junit(CASE), ended(0));
    assert.ok(command.args.join(' ').length < 2000);
    assert.equal(list, `${ids.join('\n')}\n`);
  });

  it('have a problem where pytest could not do its work, and none where all of them are skipped', async () => {
    const problem = async (written: string | undefined, end: CommandResult | undefined): Promise<string> =>
      (await ran(['tests'], written, end)).outcome.problem ?? 'none';
    assert.equal(await problem(junit(SKIPPED), ended(0)), 'none');
    assert.match(await problem(junit(), ended(5)), /no tests were collected/);
    assert.match(await problem(undefined, { exitCode: null, timedOut: true }), /time limit/);
    assert.match(await problem(undefined, ended(0)), /no tests were collected|left no result file/);
    assert.match(await problem(undefined, undefined), /left no result file/);
    assert.equal(await problem(junit(CASE), undefined), 'none');
  });

  it('are cancelled, whatever they left', async () => {
    const cancel = new AbortController();
    cancel.abort();
    await assert.rejects(ran(['tests'], junit(CASE), ended(null), cancel.signal), { code: 'cancelled' });
  });
});
