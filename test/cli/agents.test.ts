/** The built program with agents: against a server on 127.0.0.1 whose conversations are scripted, and in replays. */
import assert from 'node:assert/strict';
import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TranscriptView } from '../../src/agents/transcript-view.ts';
import { readTranscript } from '../../src/agents/transcript.ts';
import { NO_USAGE, type Usage } from '../../src/pipeline/contracts.ts';
import { readJournal } from '../../src/pipeline/journal.ts';
import { nodeFiles } from '../../src/store/files.ts';
import type { RunSummary } from '../../src/terminal/summary.ts';
import { json, LOOPBACK_KEY, LoopbackServer, tool, type RecordedRequest } from '../agents/loopback/index.ts';
import {
  approve,
  HAPPY,
  LENGTHS,
  LENGTHS_TEST,
  research,
  test,
  written,
} from '../agents/pipeline/harbour.ts';
import { type Conversations, scripts, type ScriptedTurn, steps } from '../agents/pipeline/support.ts';
import { allBelow, only, removeFolder, root, sourcewright, temporaryFolder } from './program.ts';
import type { Outcome, RunOptions } from './program.ts';

const FIXTURES = join(root, 'test', 'agents', 'pipeline', 'fixtures');
const NO_KEY = { ANTHROPIC_API_KEY: '', ANTHROPIC_BASE_URL: '' };

/** The suite of a connector may not see the key: this test of an agent's would tell. */
const NOSY_TEST = `${LENGTHS_TEST}

def test_no_key_is_inherited() -> None:
    """Keys stay with the person who runs the tests."""
    assert [name for name in os.environ if "ANTHROPIC" in name or "KEY" in name] == []
`.replace('from src', 'import os\n\nfrom src');

const said = (outcome: Outcome): RunSummary => only(outcome) as unknown as RunSummary;

describe('the program with agents', function () {
  this.timeout(600_000);
  let folder = '';
  let server: LoopbackServer;
  /** What scripts were asked for that they do not have. */
  let missing: readonly string[] = [];
  let env: Record<string, string> = {};

  async function begin(conversations: Conversations): Promise<void> {
    folder = await temporaryFolder();
    await cp(join(FIXTURES, 'harbour.openapi.yaml'), join(folder, 'harbour.openapi.yaml'));
    server = await LoopbackServer.start();
    const scripted = await scripts(conversations);
    server.setScript((request) => scripted.script(request));
    ({ missing } = scripted);
    env = { ANTHROPIC_API_KEY: LOOPBACK_KEY, ANTHROPIC_BASE_URL: server.url };
  }
  async function end(): Promise<void> {
    await server.close();
    await removeFolder(folder);
    assert.deepEqual(missing, []);
  }

  const program = (words: readonly string[], options: Partial<RunOptions> = {}): Promise<Outcome> =>
    sourcewright(words, { cwd: folder, env, ...options });
  const generate = ['generate', 'harbour.openapi.yaml', '--engine', 'agents', '--json'];
  /** Requests to a model that were answered, in words: `generate 2`. */
  const asked = (): number => server.totals().requests;

  describe('on its way', () => {
    beforeEach(() => begin(HAPPY));
    afterEach(end);

    it('says without a key what it takes and what agents would add, and makes nothing', async () => {
      const options = { env: { ...env, ANTHROPIC_API_KEY: ' ' } };
      const refused = await program(generate, options);
      assert.equal(refused.exitCode, 4);
      const { run, status, error, usage } = said(refused);
      assert.deepEqual(
        [run, status, error?.code, error?.where, usage.requests],
        [null, 'failed', 'credentials', 'ANTHROPIC_API_KEY', 0],
      );
      const words = await program(generate.slice(0, -1), options);
      assert.deepEqual([words.exitCode, words.stdout], [4, '']);
      assert.match(words.stderr, /^error: Agents need a key for the Anthropic API, and none is set\./);
      assert.match(
        words.stderr,
        /Set the environment variable ANTHROPIC_API_KEY[^]*--engine rules[^]*would add/,
      );
      assert.deepEqual(await readdir(folder), ['harbour.openapi.yaml']);
      assert.equal(server.requests.length, 0);
    });

    it('lists the models of the key', async () => {
      const listed = only(await program(['models', '--json'])) as { models?: { id: string }[] };
      assert.deepEqual(
        listed.models?.map(({ id }) => id),
        ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5'],
      );
      assert.deepEqual([server.requests.length, server.messageRequests.length], [1, 0]);
      const wrong = await program(['models'], { env: { ...env, ANTHROPIC_API_KEY: 'sk-ant-not-this-one' } });
      assert.equal(wrong.exitCode, 4);
      assert.match(wrong.stderr, /The API refuses the key \(401\)/);
    });

    it('leaves the key alone where rules work', async () => {
      const made = await program(['generate', 'harbour.openapi.yaml', '--approve', 'research', '--json']);
      assert.equal(made.exitCode, 3, made.stderr);
      assert.deepEqual([said(made).gate, said(made).usage], ['code', NO_USAGE]);
      assert.equal(server.requests.length, 0);
    });

    it('pauses where the key is refused, by the list of models as by the model, and goes on with a good one', async () => {
      const wrong = await program(generate, { env: { ...env, ANTHROPIC_API_KEY: 'sk-ant-not-this-one' } });
      assert.equal(wrong.exitCode, 4, wrong.stderr);
      assert.equal(said(wrong).pause?.cause, 'credentials');
      const none = await program(['resume', 'latest', '--json'], { env: NO_KEY });
      assert.deepEqual([none.exitCode, said(none).pause?.cause], [4, 'credentials']);
      assert.match(said(none).pause?.message ?? '', /need an Anthropic API key, and none is set/);
      assert.equal(server.messageRequests.length, 0);
      server.fail(1, { status: 401, message: 'invalid x-api-key' });
      const refused = await program(['resume', 'latest', '--json']);
      assert.equal(refused.exitCode, 4, refused.stderr);
      assert.equal(said(refused).pause?.cause, 'credentials');
      assert.match(said(refused).pause?.message ?? '', /The API refuses the key \(401\): invalid x-api-key/);
      assert.match(said(refused).pause?.cure ?? '', /Set a valid key/);
      const resumed = await program(['resume', 'latest', '--json']);
      assert.equal(resumed.exitCode, 3, resumed.stderr);
      assert.equal(said(resumed).gate, 'research');
      assert.deepEqual([server.messageRequests.length, asked(), said(resumed).usage.requests], [2, 1, 1]);
    });

    it('pauses at Ctrl-C in the middle of an answer that does not come, and asks for it again', async () => {
      let kill: ((signal: NodeJS.Signals) => void) | undefined;
      server.fail(3, { stall: 4 });
      const running = program([...generate, '--approve', 'research'], {
        onStderr: (_text, given) => (kill = given),
      });
      const stalled = (): RecordedRequest | undefined =>
        server.messageRequests.find(({ answer }) => answer?.outcome === 'stalled');
      for (let waits = 0; stalled() === undefined && waits < 600; waits += 1) await later(100);
      assert.ok(stalled() !== undefined && kill !== undefined);
      const began = performance.now();
      kill('SIGINT');
      const paused = await running;
      assert.equal(paused.exitCode, 4, paused.stderr);
      assert.ok(performance.now() - began < 20_000, 'it does not wait for the watchdog');
      assert.equal(said(paused).pause?.cause, 'person');
      const usage = said(paused).usage;
      assert.equal(usage.requests, 2);
      const resumed = await program(['resume', 'latest', '--json']);
      assert.equal(resumed.exitCode, 3, resumed.stderr);
      assert.equal(said(resumed).gate, 'code');
      assert.deepEqual([server.messageRequests.length, asked(), said(resumed).usage.requests], [6, 5, 5]);
      // What was not answered is paid for with its prompt.
      assert.ok(said(resumed).usage.usd > usage.usd);
    });

    it('pauses at its budget, says what it would take, and goes on with more', async () => {
      const first = await program([...generate, '--auto', '--budget', '0.05']);
      assert.equal(first.exitCode, 4, first.stderr);
      const { pause, usage } = said(first);
      assert.deepEqual([pause?.cause, usage.requests, usage.usd], ['budget', 0, 0]);
      assert.match(
        pause?.message ?? '',
        /^The run has cost \$0\.00 of its budget of \$0\.05\. The next request may cost up to \$0\.\d\d\.$/,
      );
      assert.match(pause?.cure ?? '', /Raise the budget to \$0\.\d\d or more \(.*--budget on resume\)/);
      // The strong model at ten times its price: what is left after research does not pay for it.
      const prices = join(folder, 'prices.json');
      await writeFile(prices, JSON.stringify({ 'claude-opus-5-5': { input: 50, output: 250 } }));
      const more = ['resume', 'latest', '--json', '--auto', '--budget'];
      const second = await program([...more, '0.5', '--prices', prices]);
      assert.equal(second.exitCode, 4, second.stderr);
      assert.deepEqual([said(second).pause?.cause, asked()], ['budget', 1]);
      assert.match(said(second).pause?.message ?? '', /^The run has cost \$0\.01 of its budget of \$0\.50\./);
      const words = await program(['show', 'latest']);
      assert.match(
        words.stdout,
        /^Paused \(budget\)[^]*Then go on with one of\n.* resume \S+ --budget USD$/m,
      );
      const last = await program([...more, '5']);
      assert.equal(last.exitCode, 0, last.stderr);
      assert.equal(said(last).status, 'published');
      assert.deepEqual([server.messageRequests.length, asked(), said(last).usage.requests], [11, 11, 11]);
    });
  });

  describe('from a description to a published connector', () => {
    let whole: Outcome;
    before(async () => {
      await begin({ ...HAPPY, test: [test(NOSY_TEST)] });
      whole = await program([...generate, '--auto']);
    });
    after(end);

    it('is published, and counts what the server counted', async () => {
      assert.equal(whole.exitCode, 0, whole.stderr);
      const { status, usage, runDir } = said(whole);
      assert.equal(status, 'published');
      assert.deepEqual(usage, { ...counted(server), usd: usage.usd });
      assert.ok(usage.usd > 0 && usage.usd < 5);
      const stored = JSON.parse(await readFile(join(runDir ?? '', 'usage.json'), 'utf8')) as {
        total: Usage;
        attempts: { stage: string; usage: Usage }[];
      };
      assert.deepEqual(stored.total, usage);
      assert.deepEqual(
        stored.attempts.map(({ stage, usage: { requests } }) => [stage, requests]),
        [
          ['research', 1],
          ['generate', 4],
          ['test', 3],
          ['diagnose', 1],
          ['review', 1],
          ['publish', 1],
        ],
      );
      assert.match(whole.stderr, /^forecast: /m);
      assert.match(whole.stderr, /^ {2}generate › write src\/lengths\.py$/m);
    });

    it('is shown with each turn, call and cost', async () => {
      const { usage } = said(whole);
      const shown = await program(['show', 'latest'], { env: NO_KEY });
      assert.equal(shown.exitCode, 0);
      assert.match(shown.stdout, /cost +\$\d\.\d+ for 11 requests/);
      assert.match(shown.stdout, /^generate: claude-\S+, 4 requests, \$\d\.\d+/m);
      assert.match(shown.stdout, /tool +write src\/lengths\.py/);
      assert.match(shown.stdout, /tool +run 1 of the tests/);
      assert.match(shown.stdout, /result +\{"summary":"Wrote what was asked\."/);
      const { transcripts } = only(await program(['show', 'latest', '--json'], { env: NO_KEY })) as {
        transcripts?: TranscriptView[];
      };
      assert.equal(transcripts?.length, 6);
      const sum = transcripts.reduce((total, one) => total + one.usage.usd, 0);
      assert.ok(Math.abs(sum - usage.usd) < 1e-9);
    });

    it('keeps the key from files, and from the connector’s tests', async () => {
      const { runDir, tests } = said(whole);
      assert.equal(tests.passed, tests.total);
      const report = await readFile(join(runDir ?? '', 'test-report.json'), 'utf8');
      assert.match(report, /test_no_key_is_inherited/);
      for (const path of await allBelow(folder)) {
        const text = await readFile(join(folder, path), 'utf8').catch(() => '');
        assert.ok(!text.includes(LOOPBACK_KEY), path);
      }
      assert.ok(!(whole.stdout + whole.stderr).includes(LOOPBACK_KEY));
    });
  });

  describe('a recorded run', () => {
    /** A line of `LENGTHS` that the reviewer wants changed, and how the generator changes it. */
    const line = 'FEET_TO_METRES = 0.3048';
    const finding = {
      file: 'src/lengths.py',
      startLine: 3,
      endLine: 3,
      severity: 'warning',
      category: 'correctness',
      message: 'Nothing says how many metres of a foot these are.',
      before: line,
      after: null,
    };
    const improve: ScriptedTurn[] = [
      tool('edit', {
        file_path: 'src/lengths.py',
        old_string: line,
        new_string: `# A foot in metres.\n${line}`,
      }),
      (request) => written(request),
    ];
    const conversations: Conversations = {
      ...HAPPY,
      research: [research(), research({ claims: [], summary: 'It is as it was.' })],
      review: [[json({ decision: 'needs_work', question: null, findings: [finding] })], approve],
      'generate-improve': [improve],
    };
    let recorded: RunSummary;

    before(async () => {
      await begin(conversations);
      assert.equal(LENGTHS.split('\n')[finding.startLine - 1], line);
      await program(generate);
      await decide(
        'research',
        '--request-changes',
        'research',
        '--feedback',
        'Are lengths really in metres?',
      );
      const reviewed = await decide('review', '--approve', 'research,code,tests');
      const [{ id } = { id: '' }] = reviewed.review.findings.filter(({ severity }) => severity !== 'info');
      const answers = ['--answer', `${id}=accept`, '--approve', 'review,publish'];
      const last = await program(['resume', 'latest', '--json', ...answers]);
      assert.equal(last.exitCode, 0, last.stderr);
      recorded = said(last);
      await server.close();
    });
    after(end);

    /** Goes on to the next gate, which is this one. */
    async function decide(gate: string, ...words: string[]): Promise<RunSummary> {
      const outcome = await program(['resume', 'latest', '--json', ...words]);
      assert.equal(outcome.exitCode, 3, outcome.stderr);
      assert.equal(said(outcome).gate, gate);
      return said(outcome);
    }

    it('is replayed with no key and no server: the same conversations, decisions and files', async () => {
      const requests = server.requests.length;
      const elsewhere = await temporaryFolder();
      try {
        const words = ['replay', recorded.runDir ?? '', '--json'];
        const outcome = await program(words, { cwd: elsewhere, env: NO_KEY });
        assert.equal(outcome.exitCode, 0, outcome.stderr);
        const replayed = said(outcome);
        assert.deepEqual(
          [replayed.status, replayed.streams, replayed.replayOf?.run, replayed.usage],
          ['published', recorded.streams, recorded.run, recorded.usage],
        );
        assert.equal(server.requests.length, requests);
        const [there, here] = [recorded.runDir ?? '', replayed.runDir ?? ''];
        assert.deepEqual(await steps(here), await steps(there));
        const done = await steps(here);
        assert.ok(done.includes('research REVISE 2') && done.includes('generate IMPROVE 2'), done.join());
        assert.deepEqual(await decisionsOf(here), await decisionsOf(there));
        const conversations = await conversationsOf(there);
        assert.equal(Object.keys(conversations).length, 9);
        assert.deepEqual(await conversationsOf(here), conversations);
        const files = await connectorOf(recorded);
        assert.ok(files['src/lengths.py']?.includes('# A foot in metres.') === true);
        assert.deepEqual(await connectorOf(replayed), files);
      } finally {
        await removeFolder(elsewhere);
      }
    });
  });
});

/** What the server has counted, as the program counts it. */
function counted(server: LoopbackServer): Omit<Usage, 'usd'> {
  const { requests, input, cacheRead, cacheWrite, output } = server.totals();
  return {
    requests,
    inputTokens: input + cacheRead + cacheWrite,
    outputTokens: output,
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
  };
}

/** What a person decided and answered. */
async function decisionsOf(runDir: string): Promise<unknown[]> {
  const { records } = await readJournal(runDir, nodeFiles);
  return records.flatMap((record): unknown[] => {
    if (record.type === 'decided') return [[record.gate, record.decision, record.by]];
    return record.type === 'answered' ? [[record.answer, record.by]] : [];
  });
}

/** What was given, asked, said and answered in each conversation of a run: without times, and what was reserved for it. */
async function conversationsOf(runDir: string): Promise<Record<string, unknown[]>> {
  const said: Record<string, unknown[]> = {};
  for (const name of (await readdir(join(runDir, 'transcripts'))).sort()) {
    const entries = (await readTranscript(join(runDir, 'transcripts', name))) ?? [];
    said[name] = entries.map((entry) => {
      if (entry.type !== 'asked') return { ...entry, at: '', requestId: '' };
      const { type, turn, model, hashes } = entry;
      return { type, turn, model, hashes };
    });
  }
  return said;
}

/** Files of a connector by path. The changelog names the run that wrote it, and the day. */
async function connectorOf({ connector, run }: RunSummary): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const path of await allBelow(connector.dir ?? '')) {
    const text = await readFile(join(connector.dir ?? '', path), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    files[path] = withoutTimes(path, text, run);
  }
  return files;
}

/** What a file of a connector says, without what differs from run to run. */
function withoutTimes(path: string, text: string, run: RunSummary['run']): string {
  // The record of publishing has the hashes of what is made plain here.
  if (path === 'provenance.json')
    return text
      .replaceAll(run ?? '', '<run>')
      .replace(
        /("path": "(?:CHANGELOG|STATISTICS)\.md",\s+"bytes": )\d+(,\s+"sha256": )"\w+"/g,
        '$1<bytes>$2<hash>',
      );
  if (path === 'STATISTICS.md') return text.replace(/^\| Time of the tests \|.*$/m, '<time of the tests>');
  if (path !== 'CHANGELOG.md') return text;
  return text.replaceAll(run ?? '', '<run>').replace(/\d{4}-\d\d-\d\d/g, '<day>');
}

const later = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
