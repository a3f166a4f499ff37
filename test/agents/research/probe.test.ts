/** What a probe makes of claims, and where it may not go on a model's word. */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { withFiles, withServer } from '../../unit/openapi-reading/support.ts';
import { claim, DOCS, DOCS_TEXT, factOf, given, investigate, shop, streamOf, type Step } from './support.ts';

const SECRET = 'hush-hush-secret';

/** Two pages of orders, told apart by their number. */
function orders(asked: string[]): RequestListener {
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    asked.push(`${url.pathname}${url.search} ${String(request.headers['x-key'])}`);
    const second = url.searchParams.get('after') !== null;
    const rows = second ? ['3', '4'] : ['1', '2'];
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        orders: rows.map((number) => ({ number, total: 1, changed: '2026-01-01T00:00:00Z' })),
        ...(second ? {} : { next_cursor: 'two' }),
      }),
    );
  };
}

const paging = claim({
  fact: 'paging',
  value: '{"kind":"cursor","cursorParam":"after","nextPath":["next_cursor"]}',
  quote: 'send after with the cursor that stands in next_cursor',
});
const incremental = claim({
  fact: 'incremental',
  value:
    '{"cursorField":["changed"],"cursorFormat":"date_time","param":"changed_since","paramFormat":"date_time"}',
  quote: 'Use changed_since to get only orders that changed',
});
const page: Step = { page: DOCS, text: DOCS_TEXT };

describe('the research agent and the probe', () => {
  it('confirms what the API shows, and leaves the rest unconfirmed', async () => {
    const asked: string[] = [];
    await withServer(orders(asked), async (origin) => {
      await withFiles({ 'api.json': shop() }, async (workspace) => {
        const { brief, notes, runtime } = await investigate(
          { ...given(workspace), probe: true },
          {
            steps: [page, { answer: { claims: [paging, claim({}), incremental] } }],
            extra: { credentials: { api_key: SECRET, base_url: origin } },
          },
        );
        const { blueprint } = brief;
        assert.equal(asked.length, 2);
        assert.equal(factOf(blueprint, 'orders', 'paging').status, 'confirmed');
        assert.equal(factOf(blueprint, 'orders', 'primary_key').status, 'confirmed');
        assert.equal(factOf(blueprint, 'orders', 'incremental').status, 'unconfirmed');
        const sources = factOf(blueprint, 'orders', 'paging').evidence.map(({ source }) => source);
        assert.ok(sources.includes('docs') && sources.includes('probe'));
        assert.match(notes, /\| `orders` \| incremental \|/);
        assert.deepEqual(runtime.inputsMade, ['blueprint', 'probe']);
        assert.ok(!JSON.stringify([...runtime.inputs]).includes(SECRET));
      });
    });
  });

  it('asks no host with secrets that only a model has named', async () => {
    const asked: string[] = [];
    await withServer(orders(asked), async (origin) => {
      await withFiles({ 'api.json': shop({ servers: [] }) }, async (workspace) => {
        const text = `${DOCS_TEXT} The API lives at ${origin} for all.`;
        const url = claim({
          stream: null,
          fact: 'base_url',
          value: `"https://api.example.org"`,
          quote: `The API lives at ${origin}`,
        });
        const setup = { ...given(workspace), probe: true };
        const answer: Step = { answer: { claims: [url] } };
        const { brief, notes } = await investigate(setup, {
          steps: [{ page: DOCS, text }, answer],
          extra: { credentials: { api_key: SECRET } },
        });
        assert.equal(brief.blueprint.baseUrl, 'https://api.example.org');
        assert.equal(factOf(brief.blueprint, null, 'base_url').status, 'unconfirmed');
        assert.deepEqual(brief.probes, []);
        assert.deepEqual(asked, []);
        assert.match(notes, /its base URL comes from the research agent/);
      });
    });
  });

  it('confirms the base URL and the sign-in where the person gives the same address', async () => {
    const asked: string[] = [];
    await withServer(orders(asked), async (origin) => {
      await withFiles(
        { 'api.json': shop({ servers: [], security: undefined, components: {} }) },
        async (workspace) => {
          const text = `${DOCS_TEXT} The API lives at ${origin} and takes X-Key with your key.`;
          const { brief } = await investigate(
            { source: { kind: 'description', location: 'api.json' }, workspace, probe: true },
            {
              steps: [
                { page: DOCS, text },
                {
                  answer: {
                    claims: [
                      claim({
                        stream: null,
                        fact: 'base_url',
                        value: origin,
                        quote: `The API lives at ${origin}`,
                      }),
                      claim({
                        stream: null,
                        fact: 'auth',
                        value: '{"kind":"api_key","in":"header","name":"X-Key","prefix":""}',
                        quote: 'takes X-Key with your key',
                      }),
                    ],
                  },
                },
              ],
              // The person's words name the host: it may be asked over http.
              feedback: {
                from: 'person',
                text: `It runs at ${origin} here.`,
                failingTests: [],
                findings: [],
              },
              extra: { credentials: { api_key: SECRET, base_url: origin } },
            },
          );
          assert.equal(factOf(brief.blueprint, null, 'base_url').status, 'confirmed');
          assert.equal(factOf(brief.blueprint, null, 'auth').status, 'confirmed');
          assert.match(asked[0] ?? '', new RegExp(SECRET));
          assert.equal(streamOf(brief.blueprint, 'orders').paging.kind, 'cursor');
        },
      );
    });
  });
});
