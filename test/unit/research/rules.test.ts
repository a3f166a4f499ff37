import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Brief } from '../../../src/pipeline/contracts.ts';
import { createRulesResearch } from '../../../src/stages/research/rules.ts';
import { minimal, rejection, withFiles } from '../openapi-reading/support.ts';
import { dependencies, stageContext, type Setup } from './support.ts';

/** Two lists, one with paging, and a child. */
function library(): object {
  const book = {
    type: 'object',
    properties: { id: { type: 'integer' }, title: { type: 'string' }, code: { type: 'string' } },
  };
  const list = (items: object) => ({
    type: 'object',
    properties: { data: { type: 'array', items }, archive: { type: 'array', items } },
  });
  const ok = (schema: object) => ({
    200: { description: 'ok', content: { 'application/json': { schema } } },
  });
  const page = ['page', 'per_page'].map((name) => ({ name, in: 'query', schema: { type: 'integer' } }));
  return minimal({
    info: { title: 'Library', version: '1.0', description: 'Books.' },
    security: [{ key: [] }],
    paths: {
      '/books': { get: { parameters: page, responses: ok(list(book)) } },
      '/shelves': { get: { responses: ok({ type: 'array', items: book }) } },
      '/shelves/{shelf_id}/books': {
        get: {
          parameters: [{ name: 'shelf_id', in: 'path', required: true, schema: { type: 'integer' } }],
          responses: ok({ type: 'array', items: book }),
        },
      },
    },
    components: {
      securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } },
      schemas: { Broken: { $ref: '#/components/schemas/Gone' } },
    },
  });
}

async function research(setup: Setup) {
  const context = await stageContext(setup);
  const outcome = await createRulesResearch(dependencies()).run(context);
  assert.equal(outcome.status, 'done');
  const text = await readFile(join(context.runDir, 'brief.json'), 'utf8');
  const notes = await readFile(join(context.runDir, 'brief.md'), 'utf8');
  return { outcome, brief: Brief.parse(JSON.parse(text)), text, notes };
}

const given = (workspace: string) => ({
  source: { kind: 'description' as const, location: 'api.json' },
  workspace,
});

describe('research by rules', () => {
  it('writes a brief that holds, and notes that tell it', async () => {
    await withFiles({ 'api.json': library() }, async (workspace) => {
      const { outcome, brief, notes } = await research(given(workspace));
      const { streams } = brief.blueprint;
      assert.deepEqual(outcome.result, {
        title: 'Library',
        connectorName: 'library',
        streams: 3,
        gaps: brief.blueprint.gaps.length,
        problems: 1,
      });
      assert.equal(brief.blueprint.source.location, 'api.json', 'as seen from the workspace');
      for (const stream of streams) assert.match(notes, new RegExp(`\\| \`${stream.name}\` \\|`));
      for (const gap of brief.blueprint.gaps)
        assert.ok(notes.includes(gap.question.slice(0, 20)), gap.question);
      assert.match(notes, /a key in the header `X-Key`/);
      assert.match(notes, /leads nowhere/);
      assert.match(notes, /`\/components\/schemas\/Broken`/);
      const facts = brief.blueprint.facts.filter((fact) => fact.subject === 'books');
      assert.ok(facts.length > 3);
      for (const fact of facts)
        assert.ok(
          fact.evidence.every(({ pointer }) => pointer === undefined || notes.includes(`\`${pointer}\``)),
        );
    });
  });

  it('does the same each time', async () => {
    await withFiles({ 'api.json': library() }, async (workspace) => {
      const one = await research(given(workspace));
      const two = await research(given(workspace));
      assert.equal(one.text, two.text);
      assert.equal(one.notes, two.notes);
    });
  });

  it("applies corrections from the run's folder, and says what it can't understand", async () => {
    await withFiles({ 'api.json': library() }, async (workspace) => {
      const first = await research(given(workspace));
      const corrections = [
        { stream: 'books', fact: 'primary_key', value: ['code'] },
        { stream: null, fact: 'base_url', value: 'https://eu.example.com/v2/' },
        { stream: 'shelves', fact: 'stream', value: true },
      ];
      await writeFile(
        join(workspace, '.sourcewright/runs/test/corrections.json'),
        JSON.stringify(corrections),
      );
      const { brief, notes } = await research({
        ...given(workspace),
        feedback: 'The key is wrong | <b>do</b> better!',
      });
      assert.deepEqual(brief.blueprint.streams.find(({ name }) => name === 'books')!.primaryKey, [['code']]);
      assert.equal(brief.blueprint.baseUrl, 'https://eu.example.com/v2');
      const fact = brief.blueprint.facts.find(
        ({ subject, fact: name }) => subject === 'books' && name === 'primary_key',
      )!;
      assert.equal(fact.status, 'corrected');
      assert.equal(fact.confidence, 1);
      assert.deepEqual(fact.evidence.at(-1), {
        source: 'person',
        document: 'corrections.json',
        pointer: '/0',
      });
      const confirmed = brief.blueprint.facts.find(
        ({ subject, fact: name }) => subject === 'shelves' && name === 'stream',
      )!;
      assert.equal(confirmed.status, 'confirmed');
      assert.ok(
        !brief.blueprint.gaps.some(({ stream, fact: name }) => stream === 'books' && name === 'primary_key'),
      );
      assert.ok(brief.blueprint.gaps.length <= first.brief.blueprint.gaps.length);
      assert.match(notes, /Rules do not understand words/);
      assert.match(notes, /\\<b\\>do/);
      assert.match(notes, /books, primary key: code/);
    });
  });

  it('takes corrections as feedback, and keeps them', async () => {
    await withFiles({ 'api.json': library() }, async (workspace) => {
      const feedback = JSON.stringify({ stream: 'books', fact: 'paging', value: { kind: 'none' } });
      const { brief, notes } = await research({ ...given(workspace), feedback });
      assert.deepEqual(brief.blueprint.streams.find(({ name }) => name === 'books')!.paging, {
        kind: 'none',
      });
      assert.doesNotMatch(notes, /do not understand/);
      const again = await research(given(workspace));
      assert.deepEqual(again.brief.blueprint.streams.find(({ name }) => name === 'books')!.paging, {
        kind: 'none',
      });
    });
  });

  for (const [what, content, message] of [
    ['no JSON', '[', /not valid JSON/],
    ['another form', '{"a": 1}', /wrong form/],
    [
      'a stream that is not there',
      '[{"stream": "cds", "fact": "paging", "value": {"kind": "none"}}]',
      /no stream "cds"/,
    ],
    [
      'a value that does not fit',
      '[{"stream": "books", "fact": "paging", "value": {"kind": "magic"}}]',
      /can't be applied/,
    ],
    ['a base URL without a scheme', '[{"fact": "base_url", "value": "example.com"}]', /http/],
  ] as const) {
    it(`refuses corrections with ${what}`, async () => {
      await withFiles(
        { 'api.json': library(), '.sourcewright/runs/test/corrections.json': content },
        async (workspace) => {
          const context = await stageContext(given(workspace));
          const error = await rejection(createRulesResearch(dependencies()).run(context));
          assert.equal(error.code, 'input');
          assert.match(error.message, message);
          assert.ok(error.cure);
        },
      );
    });
  }

  it('refuses streams that are not there, naming those that are', async () => {
    await withFiles({ 'api.json': library() }, async (workspace) => {
      const context = await stageContext({ ...given(workspace), streams: ['books', 'cds'] });
      const error = await rejection(createRulesResearch(dependencies()).run(context));
      assert.equal(error.code, 'input');
      assert.match(error.message, /"cds"/);
      assert.match(error.cure ?? '', /books, /);
    });
  });

  it('refuses a description without a request that reads records, and writes nothing', async () => {
    const posts = minimal({
      paths: { '/things': { post: { responses: { 201: { description: 'made' } } } } },
    });
    await withFiles({ 'api.json': posts }, async (workspace) => {
      const context = await stageContext(given(workspace));
      const error = await rejection(createRulesResearch(dependencies()).run(context));
      assert.equal(error.code, 'input');
      assert.match(error.message, /no request that reads/);
      assert.equal(
        await readFile(join(context.runDir, 'brief.json'), 'utf8').catch(() => undefined),
        undefined,
      );
    });
  });

  it('neutralises what the description says', async () => {
    const evil =
      '</td><script>alert(1)</script> [x](javascript:alert(1)) ![y](http://evil.example/z.png) | `rm -rf`\n\n# Title\n\u202eabc';
    const hostile = minimal({
      info: { title: evil, version: evil, description: evil, license: { name: evil } },
      servers: [{ url: 'https://api.example.com', description: evil }],
      components: {
        schemas: {
          Thing: { type: 'object', properties: { [evil]: { type: 'string', description: evil } } },
          [evil]: { $ref: evil },
        },
      },
    });
    await withFiles({ 'api.json': hostile }, async (workspace) => {
      const { notes } = await research({ ...given(workspace), name: 'evil' });
      const outsideCode = notes.replace(/```json[^]*?```/g, '').replace(/(`+)[^\n]*?[^`]\1(?!`)/g, '');
      assert.doesNotMatch(outsideCode, /(?<!\\)<\/?[a-z]/i, 'no HTML');
      assert.doesNotMatch(outsideCode, /(?<!\\)\]\(/, 'no links');
      assert.doesNotMatch(outsideCode, /(?<!\\):\/\//, 'no bare addresses');
      assert.doesNotMatch(notes, /^# Title/m);
      assert.ok(!notes.includes('\u202e'));
    });
  });
});

describe('research by name', () => {
  it('finds a file of the workspace', async () => {
    await withFiles(
      { 'specs/library.openapi.json': library(), 'other.json': minimal() },
      async (workspace) => {
        const { brief, notes } = await research({ source: { kind: 'name', location: 'Library' }, workspace });
        assert.equal(brief.blueprint.source.location, 'specs/library.openapi.json');
        assert.match(notes, /How it was found: a file of the workspace/);
      },
    );
  });

  it('asks which one when several fit', async () => {
    await withFiles({ 'a/library.json': library(), 'b/library.json': library() }, async (workspace) => {
      const context = await stageContext({ source: { kind: 'name', location: 'library' }, workspace });
      const error = await rejection(createRulesResearch(dependencies()).run(context));
      assert.equal(error.code, 'input');
      assert.match(error.message, /Several files/);
    });
  });

  it('finds the sample that comes along', async () => {
    await withFiles({}, async (workspace) => {
      const context = await stageContext({ source: { kind: 'name', location: 'PagerDuty' }, workspace });
      const templateDir = join(import.meta.dirname, '../../../src/blueprint/template');
      const outcome = await createRulesResearch(dependencies({ templateDir })).run(context);
      assert.equal(outcome.status, 'done');
    });
  });

  it('says what to give for any other name', async () => {
    await withFiles({}, async (workspace) => {
      const context = await stageContext({ source: { kind: 'name', location: 'Nobody Knows' }, workspace });
      const error = await rejection(createRulesResearch(dependencies()).run(context));
      assert.equal(error.code, 'input');
      assert.match(error.cure ?? '', /agents/);
      assert.match(error.cure ?? '', /openapi\.json/);
    });
  });
});
