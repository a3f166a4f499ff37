import { strict as assert } from 'node:assert';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineOfPointer } from '../../../src/editor/panels/models/pointer-line.ts';
import {
  answersToGive,
  pickStreams,
  placeInDescription,
  saveAnswer,
  saveWords,
  showStreams,
  undoAnswer,
} from '../../../src/editor/panels/models/research-answers.ts';
import { currentValue, fieldsOf, valueFrom } from '../../../src/editor/panels/models/research-fields.ts';
import { researchModel } from '../../../src/editor/panels/models/research-model.ts';
import type { FactName } from '../../../src/blueprint/schema.ts';
import { Brief, type RunView } from '../../../src/pipeline/contracts.ts';
import { createRulesResearch } from '../../../src/stages/research/rules.ts';
import { ResearchModel } from '../../../src/webview/research/contract.ts';
import { rejection } from '../openapi-reading/support.ts';
import { dependencies, stageContext } from '../research/support.ts';

const LIBRARY = join(import.meta.dirname, '../../fixtures/workspace/library.openapi.yaml');

/** A workspace with a researched description, and the run's view at a gate. */
async function withBrief(
  text: string,
  use: (run: { view: RunView; file: string; revise: (feedback: string) => Promise<Brief> }) => Promise<void>,
): Promise<void> {
  const workspace = await mkdtemp(join(tmpdir(), 'sourcewright-research-'));
  try {
    await writeFile(join(workspace, 'api.yaml'), text);
    const research = async (feedback?: string): Promise<Brief> => {
      const source = { kind: 'description' as const, location: 'api.yaml' };
      const setup = feedback === undefined ? { source, workspace } : { source, workspace, feedback };
      const context = await stageContext(setup);
      await createRulesResearch(dependencies()).run(context);
      return Brief.parse(JSON.parse(await readFile(join(context.runDir, 'brief.json'), 'utf8')));
    };
    await research();
    const runDir = join(workspace, '.sourcewright', 'runs', 'test');
    await use({
      view: viewOf(workspace, runDir),
      file: join(runDir, 'research-answers.json'),
      revise: research,
    });
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

function viewOf(workspace: string, runDir: string): RunView {
  return {
    schemaVersion: 1,
    runId: runDir,
    status: 'waiting',
    title: 'Library',
    engine: 'rules',
    connectorName: 'library',
    connectorDir: null,
    runDir,
    workspace,
    startedAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    stages: [],
    gate: 'research',
    pause: null,
    error: null,
    counts: { testFixes: 0, codeFixes: 0, reviewCycles: 0, reResearch: 0 },
    usage: { usd: 0, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, requests: 0 },
  };
}

const withLibrary = async (use: Parameters<typeof withBrief>[1]): Promise<void> =>
  withBrief(await readFile(LIBRARY, 'utf8'), use);

const NONE = {};
const correct = (stream: string | null, fact: FactName, fields: Record<string, string>) =>
  ({ stream, fact, kind: 'correct', fields }) as const;

async function claim(view: RunView, stream: string | null, fact: FactName) {
  const { brief } = await researchModel(view);
  const claims = stream === null ? brief?.claims : brief?.shown.find((one) => one.stream === stream)?.claims;
  const found = claims?.find((one) => one.fact === fact);
  assert.ok(found, `${stream ?? 'the API'} has a claim about ${fact}`);
  return found;
}

describe('the model of the research panel', () => {
  it('holds what the contract of the panel says, before and after the brief', async () => {
    await withLibrary(async ({ view }) => {
      const model = ResearchModel.parse(await researchModel(view));
      assert.equal(model.canAnswer, true);
      assert.deepEqual(
        model.brief?.streams.map(({ name }) => name),
        ['members', 'loans', 'books'],
      );
      const auth = await claim(view, null, 'auth');
      assert.deepEqual(auth.sources[0]?.place, {
        document: null,
        pointer: '/components/securitySchemes/apiKey',
      });
      assert.equal(auth.canStrike, false, 'there is no connector without sign-in');
      assert.equal((await claim(view, 'books', 'paging')).canStrike, true);
      assert.deepEqual(model.brief.streams.find(({ name }) => name === 'members')?.neededBy, ['loans']);
      const empty = ResearchModel.parse(
        await researchModel({ ...view, runDir: join(view.runDir, 'nothing') }),
      );
      assert.equal(empty.brief, null);
      assert.equal(empty.canAnswer, false);
    });
  });

  it('stays small for an API of 900 streams, and shows the claims that are asked for', async () => {
    const paths = Array.from({ length: 900 }, (_, index) => {
      const id = String(index).padStart(3, '0');
      return `  /group_${id}/things_${id}:
    get:
      responses:
        '200':
          description: ok
          content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Thing' } } } }`;
    });
    const text = `openapi: 3.0.3
info: { title: Large, version: '1' }
servers: [{ url: https://api.example.com }]
paths:
${paths.join('\n')}
components:
  schemas:
    Thing: { type: object, properties: { id: { type: string }, name: { type: string }, updated_at: { type: string, format: date-time } } }
`;
    await withBrief(text, async ({ view }) => {
      const model = ResearchModel.parse(await researchModel(view));
      assert.equal(model.brief?.streams.length, 900);
      assert.ok(model.brief.shown.length <= 20);
      assert.ok(model.brief.questions.length <= 40);
      assert.ok(model.brief.moreQuestions > 0);
      const size = JSON.stringify(model).length;
      assert.ok(size < 400_000, `${size} characters`);
      const last = model.brief.streams.at(-1)!.name;
      showStreams(view.runId, [last]);
      const later = await researchModel(view);
      assert.deepEqual(
        later.brief?.shown.map(({ stream }) => stream),
        [last],
      );
      await pickStreams(
        view,
        model.brief.streams.map(({ name }) => name),
        false,
      );
      const begun = performance.now();
      const none = await researchModel(view);
      assert.ok(performance.now() - begun < 2000, `${performance.now() - begun} ms`);
      assert.equal(none.drafts.changes, model.brief.streams.filter(({ selected }) => selected).length);
      assert.match(none.drafts.problems.join(), /No stream is left/);
    });
  });

  it('can only be read away from the gate', async () => {
    await withLibrary(async ({ view }) => {
      const later: RunView = { ...view, status: 'running', gate: null };
      const model = await researchModel(later);
      assert.equal(model.canAnswer, false);
      assert.match(model.standing, /^Read only/);
      const error = await rejection(
        saveAnswer(later, { stream: null, fact: 'base_url', kind: 'confirm', fields: NONE }),
      );
      assert.equal(error.code, 'input');
    });
  });
});

describe('drafts of answers', () => {
  it('are on the disk at once, with what they come to, and can be undone', async () => {
    await withLibrary(async ({ view, file }) => {
      await saveAnswer(view, correct('books', 'primary_key', { key1: 'title', key2: 'meta.id' }));
      await saveAnswer(view, { stream: null, fact: 'base_url', kind: 'confirm', fields: NONE });
      await saveAnswer(view, { stream: 'books', fact: 'paging', kind: 'strike', fields: NONE });
      await saveWords(view, 'and more');
      const stored = JSON.parse(await readFile(file, 'utf8')) as {
        drafts: { value: unknown }[];
        words: string;
      };
      assert.deepEqual(
        stored.drafts.map(({ value }) => value),
        [[['title'], ['meta', 'id']], 'https://api.village-library.example/v1', null],
      );
      const { drafts } = await researchModel(view);
      assert.deepEqual(drafts, {
        changes: 2,
        confirmations: 1,
        problems: [],
        words: 'and more',
        damage: null,
      });
      assert.equal((await claim(view, 'books', 'primary_key')).draft?.words, 'title + meta.id');
      await undoAnswer(view, 'books', 'primary_key');
      assert.equal((await claim(view, 'books', 'primary_key')).draft, null);
      await undoAnswer(view, null, null);
      assert.equal(await answersToGive(view), undefined);
      assert.equal((await researchModel(view)).drafts.words, 'and more', 'words are no drafts');
    });
  });

  it('are written one after the other', async () => {
    await withLibrary(async ({ view, file }) => {
      const names = ['members', 'loans', 'books'];
      await Promise.all(names.map((name) => pickStreams(view, [name], false)));
      const { drafts } = JSON.parse(await readFile(file, 'utf8')) as { drafts: { stream: string }[] };
      assert.deepEqual(drafts.map(({ stream }) => stream).sort(), [...names].sort());
      await pickStreams(view, names, true);
      assert.equal(await answersToGive(view), undefined, 'as the brief has it is no answer');
    });
  });

  it('tell when their file is damaged, and put it aside with the next answer', async () => {
    await withLibrary(async ({ view, file }) => {
      for (const damaged of ['{"drafts": [', '{"schemaVersion": 1, "drafts": [{"stream": 1}]}']) {
        await writeFile(file, damaged);
        const model = ResearchModel.parse(await researchModel(view));
        assert.match(model.drafts.damage ?? '', /research-answers\.json/);
        assert.ok(model.brief, 'the brief is shown all the same');
        await saveAnswer(view, { stream: 'books', fact: 'paging', kind: 'strike', fields: NONE });
        assert.equal(await readFile(`${file}.damaged`, 'utf8'), damaged);
        assert.equal((await researchModel(view)).drafts.damage, null);
      }
    });
  });

  it('are kept when they are wrong, with what is wrong, and then nothing is given', async () => {
    await withLibrary(async ({ view }) => {
      for (const [answer, problem] of [
        [correct(null, 'base_url', { url: 'example.com' }), /http/],
        [correct('books', 'paging', { kind: 'cursor', cursorParam: 'c' }), /either where the next cursor/],
        [correct('books', 'paging', { kind: 'page', pageParam: 'p', startPage: 'one' }), /not a number/],
        [correct('books', 'incremental', { cursorField: '' }), /cursor field is missing/],
        [correct('books', 'parent', { json: '{"stream": "cds", "parameters": []}' }), /no stream "cds"/],
        [correct('books', 'parent', { json: '{' }), /not valid JSON/],
        [correct('books', 'record_path', { path: 'a..b', recordShape: 'list' }), /single dots/],
        [correct(null, 'rate_limit', { requests: '-3' }), /Too small/],
        [{ stream: null, fact: 'auth', kind: 'strike', fields: NONE } as const, /correct it instead/],
        [correct('nowhere', 'paging', { kind: 'none' }), /no stream "nowhere"/],
      ] as const) {
        await saveAnswer(view, answer);
        const { drafts } = await researchModel(view);
        assert.match(drafts.problems.join(), problem);
        const error = await rejection(answersToGive(view));
        assert.equal(error.code, 'input');
        assert.match(error.message, problem);
        await undoAnswer(view, answer.stream, answer.fact);
      }
    });
  });

  it('become corrections: corrected, confirmed, struck, answered, left out; and are then done with', async () => {
    await withLibrary(async ({ view, file, revise }) => {
      await saveAnswer(view, correct('books', 'primary_key', { key1: 'title' }));
      await saveAnswer(view, { stream: null, fact: 'base_url', kind: 'confirm', fields: NONE });
      await saveAnswer(view, { stream: 'members', fact: 'paging', kind: 'strike', fields: NONE });
      await saveAnswer(view, { stream: 'loans', fact: 'parent', kind: 'strike', fields: NONE });
      await saveAnswer(view, { stream: 'books', fact: 'stream', kind: 'strike', fields: NONE });
      const question = (await researchModel(view)).brief!.questions.find(
        ({ id }) => id === 'incremental:members',
      )!;
      await saveAnswer(view, correct('members', 'incremental', question.options[0]!.fields));
      const given = await answersToGive(view);
      assert.ok(given);
      const { blueprint } = await revise(given);
      const status = (subject: string | null, fact: string): string | undefined =>
        blueprint.facts.find((one) => one.subject === subject && one.fact === fact)?.status;
      const [members, loans, books] = blueprint.streams;
      assert.equal(status('books', 'primary_key'), 'corrected');
      assert.equal(status(null, 'base_url'), 'confirmed');
      assert.equal(status('members', 'paging'), 'struck');
      assert.deepEqual(members!.paging, { kind: 'none' });
      assert.equal(loans!.parent, undefined);
      assert.deepEqual(
        loans!.parameters.filter((one) => one.in === 'path').map(({ name, configKey }) => [name, configKey]),
        [['member_id', 'member_id']],
        'what the parent filled is a setting now',
      );
      assert.equal(books!.selected, false);
      assert.equal(status('books', 'stream'), 'struck');
      assert.deepEqual(members!.incremental?.cursorField, ['joined_at']);
      assert.ok(!blueprint.gaps.some(({ id }) => id === 'incremental:members'));
      assert.deepEqual((JSON.parse(await readFile(file, 'utf8')) as { drafts: unknown[] }).drafts, []);
      const struck = await claim(view, 'members', 'paging');
      assert.match(struck.value, /page/, 'what was claimed is still told');
      assert.equal(struck.canStrike, false);
    });
  });

  it('are not given twice when a kill comes between giving and clearing them', async () => {
    await withLibrary(async ({ view, file, revise }) => {
      await saveAnswer(view, correct('books', 'primary_key', { key1: 'title' }));
      const given = (await answersToGive(view))!;
      const before = await readFile(file, 'utf8');
      await revise(given);
      await writeFile(file, before);
      assert.equal((await researchModel(view)).drafts.changes, 0);
      assert.equal(await answersToGive(view), undefined);
      await revise(given);
      const corrections = await readFile(join(view.runDir, 'corrections.json'), 'utf8');
      assert.equal(
        (JSON.parse(corrections) as unknown[]).length,
        1,
        'an attempt that runs again adds nothing',
      );
    });
  });

  it('do not confirm what another draft changes', async () => {
    await withLibrary(async ({ view }) => {
      await saveAnswer(view, correct('books', 'record_path', { path: 'items', recordShape: 'list' }));
      await saveAnswer(view, { stream: 'books', fact: 'schema', kind: 'confirm', fields: NONE });
      const { drafts } = await researchModel(view);
      assert.match(drafts.problems.join(), /books, schema: What you confirmed has changed/);
    });
  });
});

describe('inputs for values', () => {
  it('hold every value of a brief, and give it back', async () => {
    await withLibrary(async ({ view }) => {
      const { blueprint } = Brief.parse(JSON.parse(await readFile(join(view.runDir, 'brief.json'), 'utf8')));
      let seen = 0;
      for (const stream of blueprint.streams) {
        for (const fact of [
          'record_path',
          'primary_key',
          'paging',
          'parent',
          'incremental',
          'schema',
        ] as const) {
          const value = currentValue(blueprint, stream, fact);
          if (value === null) continue;
          assert.deepEqual(valueFrom(fact, fieldsOf(fact, value)), value, `${stream.name} ${fact}`);
          seen += 1;
        }
      }
      assert.ok(seen > 12);
      for (const [fact, value] of [
        ['primary_key', [['@odata.id'], ['a', 'b c']]],
        ['record_path', { recordPath: ['d', 'odata.results'], recordShape: 'list' }],
        ['paging', { kind: 'next_url', nextPath: ['@odata.nextLink'], totalPath: ['n'] }],
        ['paging', { kind: 'offset', offsetParam: 'o', startOffset: 0, sizeParam: 'n', pageSize: 50 }],
        ['paging', { kind: 'cursor', cursorParam: 'after', lastRecordField: ['id'], hasMorePath: ['more'] }],
        ['rate_limit', { requests: 10, windowSeconds: 60, resetHeader: 'X-Reset' }],
        ['auth', blueprint.auth],
      ] as const) {
        assert.deepEqual(valueFrom(fact, fieldsOf(fact, value)), value, fact);
      }
    });
  });
});

describe('the line of a JSON pointer', () => {
  const at = (text: string, pointer: string): string | undefined => {
    const line = lineOfPointer(text, pointer);
    return line === undefined ? undefined : text.split('\n')[line - 1]?.trim();
  };

  it('is found in YAML', async () => {
    const text = await readFile(LIBRARY, 'utf8');
    assert.equal(at(text, '/info'), 'info:');
    assert.equal(at(text, '/paths/~1members~1{member_id}~1loans'), '/members/{member_id}/loans:');
    assert.match(at(text, '/paths/~1books/get/parameters/2') ?? '', /updated_since/);
    assert.match(at(text, '/paths/~1members/get/parameters/1/schema/maximum') ?? '', /per_page/);
    assert.equal(
      at(text, '/paths/~1members/get/responses/200/description'),
      'description: A page of members.',
    );
    assert.match(at(text, '/components/schemas/Loan/properties/due_on') ?? '', /^due_on/);
    const odd = 'a: &x\n  k: |\n    b: 1\n  b: 2\nc:\n- 1\n- d: 3\n  e: {f: 1,\n    g: 2}\n? h\n: 4\ni: *x\n';
    assert.equal(at(odd, '/a/b'), 'b: 2');
    assert.equal(at(odd, '/c/1/e/g'), 'g: 2}');
    assert.equal(at(odd, '/h'), '? h');
    assert.equal(at(odd, '/i'), 'i: *x');
  });

  it('is found in JSON', () => {
    const text = JSON.stringify({ a: { b: [1, { 'c/d': { '~': 'x\ny' } }] }, e: [] }, null, 2);
    assert.equal(at(text, '/a/b/1/c~1d/~0'), '"~": "x\\ny"');
    assert.equal(at(text, '/e'), '"e": []');
    assert.equal(at(text.replaceAll('  ', '\t'), '/a/b/0'), '1,');
    assert.equal(at(JSON.stringify({ a: 1 }), '/a'), '{"a":1}');
  });

  it('is unknown where there is no such place', () => {
    for (const [text, pointer] of [
      ['a: 1', '/b'],
      ['a: 1', '/a/b'],
      ['a: [', '/a'],
      ['a: [1]', '/a/1'],
      ['a: [1]', '/a/x'],
      ['a: {toString: 1}', '/a/constructor'],
      ['a: 1', 'a'],
    ] as const) {
      assert.equal(lineOfPointer(text, pointer), undefined, `${text} ${pointer}`);
    }
  });

  it('opens only files that the brief names', async () => {
    await withLibrary(async ({ view }) => {
      const place = await placeInDescription(view, null, '/paths/~1members/get');
      assert.deepEqual(place, { path: join(view.workspace, 'api.yaml'), line: 13, note: null });
      const gone = await placeInDescription(view, null, '/paths/~1gone');
      assert.equal(gone.line, 1);
      assert.match(gone.note ?? '', /not found/);
      const error = await rejection(placeInDescription(view, '../../etc/passwd', '/x'));
      assert.equal(error.code, 'input');
    });
  });
});
