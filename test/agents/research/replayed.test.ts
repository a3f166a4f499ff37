/** The research agent with the real runtime, against a scripted server: recorded, resumed after its end, replayed. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { RequestListener } from 'node:http';
import type { AgentSettings } from '../../../src/agents/contracts.ts';
import { createAgentResearch } from '../../../src/stages/research/agent.ts';
import { withFiles, withServer } from '../../unit/openapi-reading/support.ts';
import { dependencies, type Setup } from '../../unit/research/support.ts';
import { json, reply, text, tool, webFetch } from '../loopback/index.ts';
import { world } from '../runtime/support.ts';
import { claim, contextOf, DOCS, DOCS_TEXT, factOf, shop, streamOf, written } from './support.ts';

const promptsDir = fileURLToPath(new URL('../../../src/agents/prompts', import.meta.url));

function answer(claims: readonly object[]): ReturnType<typeof json> {
  return json({
    summary: 'Found a description.',
    claims,
    streams: [],
    api: null,
    beyond: [],
    existingConnectors: [],
    withdrawn: [],
    openQuestions: [],
  });
}

describe('the research agent with the real runtime', () => {
  it('builds upon the description that it read, live, resumed and replayed', async () => {
    let served = 0;
    const listener: RequestListener = (request, response) => {
      if (request.url === '/hidden/description.json') served += 1;
      response.end(
        request.url === '/hidden/description.json' ? JSON.stringify(shop()) : '<p>The API of a shop.</p>',
      );
    };
    const recorded = await world();
    const elsewhere = await world();
    try {
      await withServer(listener, async (origin) => {
        const turns = [
          [tool('fetch_document', { url: `${origin}/docs` })],
          [tool('read_description', { url: `${origin}/hidden/description.json` })],
          [
            webFetch({ url: DOCS, title: 'Paging', text: DOCS_TEXT }),
            answer([claim({ value: '["identifier"]' }), claim({ quote: 'What follows is the content' })]),
          ],
          answer([claim({ url: `${DOCS}/#keys` }), claim({ stream: 'nobody' })]),
        ];
        recorded.server.setScript(({ position }) => reply(turns[position] ?? text('?')));
        const run = async (workspace: string, settings: AgentSettings['replay'], w = recorded) => {
          const setup: Setup = { source: { kind: 'docs', location: `${origin}/docs` }, workspace };
          const context = await contextOf(setup);
          const runtime = w.runtime({ promptsDir, replay: settings });
          const outcome = await createAgentResearch(dependencies(), runtime).run(context);
          assert.equal(outcome.status, 'done');
          return { ...(await written(context)), runDir: context.runDir };
        };
        await withFiles({}, async (workspace) => {
          const live = await run(workspace, undefined);
          assert.equal(live.brief.blueprint.api.title, 'Shop');
          assert.deepEqual(streamOf(live.brief.blueprint, 'orders').primaryKey, [['number']]);
          assert.equal(factOf(live.brief.blueprint, 'orders', 'primary_key').evidence[0]?.document, DOCS);
          assert.deepEqual(
            live.brief.agent?.struck.map(({ because }) => because),
            ['there is no stream "nobody".'],
          );
          assert.equal(recorded.server.requests.filter(({ message }) => message !== undefined).length, 4);
          const asked = recorded.server.requests.length;
          const resumed = await run(workspace, undefined);
          assert.deepEqual(resumed.brief, live.brief);
          assert.equal(served, 1, 'the description is read once');
          assert.ok(recorded.server.requests.length - asked <= 1, 'nothing is paid for twice');
          await withFiles({}, async (other) => {
            const replayed = await run(other, live.runDir, elsewhere);
            assert.deepEqual(timeless(replayed.brief), timeless(live.brief));
            assert.equal(elsewhere.server.requests.length, 0);
            assert.equal(served, 1);
          });
        });
      });
    } finally {
      await recorded.close();
      await elsewhere.close();
    }
  });
});

/** The replay's own transcript has its own times. */
function timeless(brief: object): unknown {
  return JSON.parse(JSON.stringify(brief, (key, value: unknown) => (key === 'at' ? undefined : value)));
}
