/** What `show` says about a run's agents, from transcripts in a run's folder. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transcript, transcriptPath, type TranscriptRecord } from '../../../src/agents/transcript.ts';
import type { TranscriptView } from '../../../src/agents/transcript-view.ts';
import type { StageName, Usage } from '../../../src/pipeline/contracts.ts';
import { transcriptLines } from '../../../src/terminal/transcript-lines.ts';
import { call } from './calls.ts';
import { recordedTerminal } from './recorder.ts';

const usage = (usd: number, inputTokens: number): Usage => ({
  usd,
  inputTokens,
  outputTokens: 100,
  cacheReadTokens: inputTokens / 2,
  cacheWriteTokens: 0,
  requests: 1,
});

describe('terminal: show with agents', () => {
  let folder = '';
  let runDir = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sourcewright-show-'));
    await writeFile(join(folder, 'shop.yaml'), 'openapi: 3.0.0\n');
    const env = { ANTHROPIC_API_KEY: 'a-key-for-tests' };
    await call(['generate', 'shop.yaml', '--engine', 'agents', '--auto'], { cwd: folder, env });
    const runs = join(folder, '.sourcewright', 'runs');
    runDir = join(runs, (await readdir(runs))[0] ?? '');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function write(stage: StageName, attempt: number, records: TranscriptRecord[]): Promise<void> {
    const transcript = await Transcript.open(transcriptPath(runDir, stage, attempt));
    await transcript.append({
      type: 'begin',
      schemaVersion: 1,
      stage,
      attempt,
      mode: 'RUN',
      prompt: { name: 'researcher', sha256: 'abcdef0123456789'.repeat(4) },
      tools: ['read'],
      result: 'research',
      first: [{ type: 'text', text: 'What is known' }],
    });
    const hashes = { system: '', tools: '', messages: [] };
    const asked = { type: 'asked', maxTokens: 9, reserveUsd: 1, inputUsd: 0, hashes } as const;
    await transcript.append({ ...asked, turn: 1, model: 'claude-sonnet-5-5' });
    for (const record of records) await transcript.append(record);
    await transcript.close();
  }
  const turn = (number: number, text: string): TranscriptRecord => ({
    type: 'turn',
    turn: number,
    model: 'claude-sonnet-5-5',
    requestId: null,
    stopReason: 'tool_use',
    content: [{ type: 'text', text }],
    usage: usage(0.0123, 4_000),
  });
  const answer = (label: string, refused = false): TranscriptRecord => ({
    type: 'answer',
    turn: 1,
    id: label,
    name: 'read',
    label,
    content: 'text',
    isError: refused,
    refused,
    outside: false,
  });

  it('prints turns, calls, refusals and the result of each attempt, each with its cost', async () => {
    await write('research', 1, [
      turn(1, 'I look at\nthe \u001b[2Jpages.'),
      answer('read docs/api.md'),
      answer('read .env', true),
      { type: 'lost', turn: 2, why: 'overloaded (529)', stopReason: null, usage: usage(0, 0) },
      turn(2, 'Done.'),
      { type: 'result', turn: 2, value: { streams: 2 } },
    ]);
    await write('generate', 2, [turn(1, 'Again.')]);
    const made = await call(['show', 'latest'], { cwd: folder });
    assert.equal(made.code, 0, made.stderr);
    const lines = made.stdout.split('\n');
    const heading = lines.indexOf('research: claude-sonnet-5-5, 3 requests, $0.0246');
    assert.ok(heading > 0, made.stdout);
    assert.match(
      lines[heading + 1] ?? '',
      /8,000 in \(4,000 read from the cache\), 300 out, prompt researcher abcdef012345$/,
    );
    const entries = lines.slice(heading + 2, heading + 8);
    const shapes = [
      /^ {2}\d\d:\d\d:\d\d {2}turn {5}[^$]*I look at the \[2Jpages\. {2}\$0\.0123$/,
      /^ {2}\S+ {2}tool {5}read docs\/api\.md$/,
      /^ {2}\S+ {2}refused {2}read \.env$/,
      /^ {2}\S+ {2}wait {5}overloaded \(529\)/,
      /^ {2}\S+ {2}turn {5}.*Done\. {2}\$0\.0123$/,
      /^ {2}\S+ {2}result {3}.*"streams":2/,
    ];
    for (const [index, shape] of shapes.entries()) assert.match(entries[index] ?? '', shape);
    assert.match(made.stdout, /\ngenerate \(2\): claude-sonnet-5-5, 1 request, \$0\.0123\n/);
    assert.ok(!made.stdout.includes('\u001b'));
  });

  it('gives them to scripts as they are', async () => {
    await write('research', 1, [turn(1, 'x'.repeat(300)), answer('read docs/api.md')]);
    const made = await call(['show', 'latest', '--json'], { cwd: folder });
    const { transcripts } = JSON.parse(made.stdout) as { transcripts: TranscriptView[] };
    const [research] = transcripts;
    assert.equal(transcripts.length, 1);
    assert.equal(research?.prompt.name, 'researcher');
    assert.deepEqual(
      research.entries.map(({ kind, usd }) => [kind, usd]),
      [
        ['turn', 0.0123],
        ['tool', null],
      ],
    );
    assert.ok(research.entries[0]?.text.includes('x'.repeat(300)));
  });

  it('has none by rules, and says where one is damaged but shows the rest', async () => {
    await write('research', 1, [turn(1, 'Hello.')]);
    const path = transcriptPath(runDir, 'research', 1);
    await writeFile(path, 'broken\n' + (await readFile(path, 'utf8')));
    const made = await call(['show', 'latest'], { cwd: folder });
    assert.equal(made.code, 0);
    assert.match(made.stdout, /Published/);
    assert.match(made.stderr, /error: .*transcripts\/research-1\.jsonl/);
    await call(['generate', 'shop.yaml', '--auto', '--name', 'other'], { cwd: folder });
    const rules = JSON.parse((await call(['show', 'latest', '--json'], { cwd: folder })).stdout) as object;
    assert.deepEqual('transcripts' in rules && rules.transcripts, []);
  });

  it('cuts lines to the terminal, the cost stays at their end', () => {
    const view: TranscriptView = {
      stage: 'test',
      attempt: 1,
      model: 'm',
      prompt: { name: 'p', sha256: 'f'.repeat(64) },
      usage: usage(0.5, 10),
      entries: [{ at: '2026-01-01T03:12:04.000Z', kind: 'refused', text: 'a '.repeat(99), usd: 0.5 }],
    };
    const terminal = recordedTerminal({ live: true, colour: true, columns: () => 70 });
    const line = transcriptLines(terminal, [view]).at(-1) ?? '';
    // eslint-disable-next-line no-control-regex -- colours are control characters
    const plain = line.replace(/\u001b\[\d+m/g, '');
    assert.equal(Array.from(plain).length, 69);
    assert.match(plain, /^ {2}03:12:04 {2}refused {2}a a .*… {2}\$0\.50$/);
    assert.ok(line.includes('\u001b[31mrefused\u001b[39m'));
  });
});
