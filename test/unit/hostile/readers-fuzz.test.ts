/**
 * Whatever stands in the files and messages that we read: our own errors or a value of the contract's, in bounded time, and no
 * prototype polluted. Texts of ours that were damaged are tried as well as anything else.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { readGenerateInput, readRunInput } from '../../../src/editor/language-model-tools/inputs.ts';
import { SourcewrightError, type ErrorCode } from '../../../src/errors.ts';
import { readRemarks } from '../../../src/pipeline/discussion.ts';
import { JOURNAL_FILE, readJournal } from '../../../src/pipeline/journal.ts';
import { readJson } from '../../../src/pipeline/json-files.ts';
import { Brief, Review, RunView, TestReport } from '../../../src/pipeline/contracts.ts';
import { startRun } from '../../../src/pipeline/run.ts';
import { parseJunit, UnusableEvidence } from '../../../src/python/junit.ts';
import { requirementLines } from '../../../src/python/requirements.ts';
import { readDrafts } from '../../../src/stages/research/answer-drafts.ts';
import { isHandWritten, parseHandWritten } from '../../../src/stages/research/hand-written/parse.ts';
import { nodeFiles } from '../../../src/store/files.ts';
import { harmless } from '../../../src/terminal/harmless.ts';
import { viewRun } from '../../../src/store/runs.ts';
import { HOSTILE_KEYS, HOSTILE_TEXTS } from '../../fuzz/hostile-values.ts';
import { dependencies, request, scripted, temporaryFolder } from '../pipeline/scripted.ts';
import { call } from '../terminal/calls.ts';

/** Only our own errors, and of these only with such codes. */
function meant(error: unknown, codes: readonly ErrorCode[]): void {
  assert.ok(error instanceof SourcewrightError, error instanceof Error ? error.stack : String(error));
  assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
}

function unpolluted(): void {
  assert.deepEqual(Object.keys(Object.prototype), []);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
}

const key = fc.oneof(fc.constantFrom(...HOSTILE_KEYS, 'schemaVersion', 'type', 'kind'), fc.string());
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(...HOSTILE_TEXTS),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

/** Damage to a text: at some places something is cut out and something else put in. */
const damage = fc.array(
  fc.record({
    at: fc.nat(100_000),
    cut: fc.nat(60),
    put: fc.oneof(
      fc.string(),
      fc.constantFrom(...HOSTILE_TEXTS, '{', '}', '"', ',', '\n', '\u0000', '<', '&x;', ']]>'),
    ),
  }),
  { minLength: 1, maxLength: 5 },
);
function damaged(text: string, edits: readonly { at: number; cut: number; put: string }[]): string {
  return edits.reduce((rest, { at, cut, put }) => {
    const place = at % (rest.length + 1);
    return rest.slice(0, place) + put + rest.slice(place + cut);
  }, text);
}

describe('readers, fuzzed', function () {
  this.timeout(60_000);
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-readers-'));
  });
  afterEach(async () => {
    unpolluted();
    await rm(folder, { recursive: true, force: true });
  });

  it('a journal: read, or refused as damaged', async () => {
    const workspace = await temporaryFolder();
    try {
      const run = await startRun(request(workspace.path), dependencies(scripted()));
      const { runDir } = await run.settled();
      await run.dispose();
      const text = await readFile(join(runDir, JOURNAL_FILE), 'utf8');
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            damage.map((edits) => damaged(text, edits)),
            fc.string(),
            json.map((value) => `${JSON.stringify(value)}\n`),
          ),
          async (content) => {
            await writeFile(join(folder, JOURNAL_FILE), content);
            try {
              const read = await readJournal(folder, nodeFiles);
              assert.ok(Array.isArray(read.records));
            } catch (error) {
              meant(error, ['corrupt']);
            }
            // A list of runs is shown whatever stands in one of them.
            assert.equal(RunView.parse(await viewRun(folder)).runDir, folder);
          },
        ),
        { numRuns: 200 },
      );
    } finally {
      await workspace.remove();
    }
  });

  it('the files of a run: read, absent or refused as damaged', async () => {
    const path = join(folder, 'file.json');
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          json.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        async (content) => {
          await writeFile(path, content);
          for (const read of [
            () => readJson(nodeFiles, path, Brief),
            () => readJson(nodeFiles, path, Review),
            () => readJson(nodeFiles, path, TestReport),
          ]) {
            try {
              await read();
            } catch (error) {
              meant(error, ['corrupt']);
            }
          }
          await writeFile(join(folder, 'discussion.json'), content);
          await readRemarks(folder, nodeFiles).catch((error: unknown) => {
            meant(error, ['corrupt']);
          });
          await writeFile(join(folder, 'research-answers.json'), content);
          const { drafts, damage: told } = await readDrafts(folder);
          assert.ok(Array.isArray(drafts.drafts) && (told === null || told.length > 0));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('JUnit: test cases, or no evidence', () => {
    const xml =
      '<?xml version="1.0"?><testsuites><testsuite name="pytest" errors="0" failures="1" skipped="0" tests="2" time="0.1">' +
      '<testcase classname="tests.test_a" name="test_x[&lt;1&gt;]" file="tests/test_a.py" line="3" time="0.01"/>' +
      '<testcase classname="tests.test_a" name="test_y" file="tests/test_a.py" line="9" time="0.01"><failure message="m">t</failure></testcase>' +
      '</testsuite></testsuites>';
    assert.equal(parseJunit(xml).length, 2);
    fc.assert(
      fc.property(
        fc.oneof(
          damage.map((edits) => damaged(xml, edits)),
          fc.string(),
        ),
        (content) => {
          try {
            for (const { id, durationMs } of parseJunit(content))
              assert.ok(typeof id === 'string' && Number.isFinite(durationMs));
          } catch (error) {
            assert.ok(error instanceof UnusableEvidence, String(error));
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('JUnit: no entities of its own, no endless nesting, no time without end', () => {
    const laughs = Array.from({ length: 20 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join(
      '',
    );
    const started = performance.now();
    for (const content of [
      `<!DOCTYPE x [<!ENTITY e0 "ha">${laughs}]><testsuites><testsuite tests="1"><testcase name="&e20;"/></testsuite></testsuites>`,
      '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><testsuites><testsuite tests="1"><testcase name="&e;"/></testsuite></testsuites>',
      '<a>'.repeat(100_000),
      `<testsuites><testsuite tests="1"><testcase name="${'&#x41;'.repeat(200_000)}"/></testsuite></testsuites>`,
      `<testsuites ${'a="b" '.repeat(100_000)}/>`,
    ]) {
      try {
        const read = JSON.stringify(parseJunit(content));
        assert.ok(!read.includes('root:') && read.length < 3_000_000);
      } catch (error) {
        assert.ok(error instanceof UnusableEvidence, String(error).slice(0, 300));
      }
    }
    assert.ok(performance.now() - started < 20_000, `${performance.now() - started} ms`);
  });

  it('requirements: packages by name, or refused', () => {
    const parts = fc.constantFrom(
      'httpx',
      '==1.0',
      ' ',
      '-r ',
      '--index-url ',
      'https://evil.example/x',
      '@ file:///x',
      '-e .',
      '[a]',
      ';',
      '#',
      '\\',
      '/',
      '\n',
      'requirements.txt',
      '~=',
      'git+ssh://x',
    );
    fc.assert(
      fc.property(
        fc.array(parts).map((all) => all.join('')),
        (content) => {
          try {
            for (const line of requirementLines([{ name: 'requirements.txt', content }])) {
              assert.match(line, /^[A-Za-z0-9]/);
              assert.doesNotMatch(line.split(';')[0] ?? '', /[/\\@]|^-/);
            }
          } catch (error) {
            meant(error, ['environment']);
          }
        },
      ),
      { numRuns: 2000 },
    );
    const started = performance.now();
    for (const unit of [' ', '[', 'a', '=', ';', '#', '-r ', '<']) {
      try {
        requirementLines([{ name: 'r', content: `a${unit.repeat(200_000)}\u0000/` }]);
      } catch (error) {
        meant(error, ['environment']);
      }
    }
    assert.ok(performance.now() - started < 10_000);
  });

  it('a blueprint that was written by hand: parsed, or refused with the place', () => {
    fc.assert(
      fc.property(json, json, (value, inner) => {
        const given = { blueprint: inner, name: 'x', title: 'X', baseUrl: value, streams: [value, inner] };
        for (const one of [value, inner, given]) {
          if (!isHandWritten(one)) continue;
          try {
            parseHandWritten(one, 'api.yaml');
          } catch (error) {
            meant(error, ['input']);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('what a language model asks for: read, or refused in words', () => {
    const around = { folders: [folder], sample: undefined, exists: () => false };
    const input = fc.oneof(
      json,
      fc.record(
        { source: json, kind: json, name: json, engine: json, streams: json, run: json, finding: json },
        { requiredKeys: [] },
      ),
      fc.anything(),
    );
    fc.assert(
      fc.property(input, (given) => {
        for (const read of [
          () => readGenerateInput(given, around),
          () => readRunInput(given, ['run', 'finding']),
        ]) {
          try {
            read();
          } catch (error) {
            meant(error, ['input']);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('the words on the command line: an exit code and words, never a stack', async () => {
    const word = fc.oneof(
      fc.constantFrom(
        'inspect',
        'generate',
        'resume',
        'runs',
        'show',
        'findings',
        'answer',
        'cancel',
        'stage',
        'models',
        'replay',
        'snapshots',
        'restore',
        '--json',
        '--workspace',
        '--out',
        '--name',
        '--engine',
        'agents',
        'rules',
        '--streams',
        ',',
        '--auto',
        '--approve',
        'publish',
        '--model',
        'research=',
        '=',
        '--budget',
        '-1',
        '$',
        'NaN',
        '--',
        '-',
        '--credentials',
        'env',
        '--run',
        'latest',
        '--__proto__',
        '--constructor=1',
        '--help',
        '../x',
        '\u0000',
      ),
      fc.constantFrom(...HOSTILE_TEXTS),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 7 }), async (words) => {
        const { code, stdout, stderr } = await call(words, { cwd: folder });
        assert.ok([0, 1, 2, 3, 4].includes(code), `${words.join(' ')}: ${code}`);
        assert.doesNotMatch(
          stdout + stderr,
          /\n\s+at .+:\d+:\d+|Unexpected error|TypeError|undefined is not/,
          JSON.stringify(words),
        );
        assert.equal(harmless(stdout + stderr), stdout + stderr, JSON.stringify(words));
      }),
      { numRuns: 300 },
    );
  });
});
