import assert from 'node:assert/strict';
import Anthropic, { AuthenticationError, BadRequestError, NotFoundError } from '@anthropic-ai/sdk';
import {
  json,
  LOOPBACK_KEY,
  LoopbackServer,
  reply,
  script,
  text,
  thinking,
  tool,
  webFetch,
  webSearch,
  type ReceivedMessageRequest,
} from './index.ts';
import { clientOf, converse, MODEL, rejection } from './sdk.ts';

const ask = (content: string) => ({
  model: MODEL,
  max_tokens: 100,
  messages: [{ role: 'user' as const, content }],
});

describe('loopback server', () => {
  let server: LoopbackServer;

  beforeEach(async () => {
    server = await LoopbackServer.start();
  });

  afterEach(async () => {
    await server.close();
  });

  it('carries a scripted conversation of three turns through the tool runner', async () => {
    const director = script({
      research: [
        [
          thinking('Where to look?'),
          text('I look.'),
          tool('look', { path: 'a' }),
          tool('look', { path: 'b' }),
        ],
        (request) => {
          assert.deepEqual(
            request.toolResults.map(({ id, name, text: result, isError }) => [id, name, result, isError]),
            [
              ['toolu_0001', 'look', 'saw a', false],
              ['toolu_0002', 'look', 'saw b', false],
            ],
          );
          return tool('look', { path: `after ${request.toolResults.length}` });
        },
        json({ found: ['a', 'b'], long: 'ü€😀'.repeat(200) }),
      ],
    });
    server.setScript(director);
    const seen: string[] = [];
    const events: string[] = [];
    const message = await converse({ client: clientOf(server), seen, onEvent: (type) => events.push(type) });

    assert.deepEqual(seen, ['a', 'b', 'after 2']);
    assert.equal(message.stop_reason, 'end_turn');
    const [answer] = message.content;
    assert.ok(answer?.type === 'text');
    assert.deepEqual(JSON.parse(answer.text), { found: ['a', 'b'], long: 'ü€😀'.repeat(200) });
    assert.deepEqual(events.slice(0, 2), ['message_start', 'content_block_start']);
    assert.equal(events.filter((type) => type === 'message_stop').length, 3);
    assert.deepEqual(
      server.messageRequests.map(({ message: sent }) => sent?.position),
      [0, 1, 2],
    );
    assert.deepEqual(director.unused(), []);
    assert.deepEqual(server.scriptErrors, []);
    // The SDK sends an API key as a bearer token too.
    assert.equal(server.requests[0]?.headers.authorization, `Bearer ${LOOPBACK_KEY}`);
    assert.equal(message.usage.output_tokens, server.requests[2]?.answer?.usage?.output_tokens);
  });

  it('brings back searches and fetched documents, and resumes a paused turn', async () => {
    const found = { url: 'https://example.com/docs', title: 'Docs' };
    const director = script({
      research: [
        reply([webSearch({ query: 'api docs', results: [found] })], { stopReason: 'pause_turn' }),
        [
          webFetch({ url: found.url, text: 'GET /things' }),
          webFetch({ url: 'https://x', error: 'url_not_allowed' }),
        ],
      ],
    });
    server.setScript(director);
    const message = await converse({ client: clientOf(server) });
    assert.deepEqual(message.usage.server_tool_use, { web_search_requests: 0, web_fetch_requests: 2 });
    const result = message.content[1];
    assert.ok(result?.type === 'web_fetch_tool_result' && result.content.type === 'web_fetch_result');
    assert.deepEqual(result.content.content.source, {
      type: 'text',
      media_type: 'text/plain',
      data: 'GET /things',
    });
    const calls = message.content.flatMap((block) => (block.type === 'server_tool_use' ? block.id : []));
    assert.deepEqual(calls, ['srvtoolu_0002', 'srvtoolu_0003']);
    assert.deepEqual(director.unused(), []);
  });

  it('gives every stop reason that a script names', async () => {
    for (const stopReason of ['max_tokens', 'refusal', 'model_context_window_exceeded'] as const) {
      server.setScript(() => reply(text('So far.'), { stopReason }));
      const message = await converse({ client: clientOf(server) });
      assert.equal(message.stop_reason, stopReason);
      assert.equal(message.stop_details?.type, stopReason === 'refusal' ? 'refusal' : undefined);
    }
  });

  it('answers as JSON without a stream, and keeps all of the request', async () => {
    server.setScript(script({ judge: [text('fine')] }, { conversationOf: () => 'judge' }));
    const client = new Anthropic({ baseURL: server.url, authToken: LOOPBACK_KEY, apiKey: null });
    const { data, response } = await client.beta.messages.create(ask('Is it?')).withResponse();
    assert.deepEqual(data.content, [{ type: 'text', text: 'fine', citations: null }]);
    const [record] = server.requests;
    assert.ok(record);
    assert.equal(response.headers.get('request-id'), record.answer?.requestId);
    assert.equal(record.headers.authorization, `Bearer ${LOOPBACK_KEY}`);
    assert.deepEqual([record.method, record.path, record.index], ['POST', '/v1/messages', 0]);
    assert.equal(record.message?.userText, 'Is it?');
    assert.deepEqual([record.answer?.status, record.answer?.outcome], [200, 'answered']);
    assert.equal(server.totals().requests, 1);
  });

  it('gives a request that is sent again the same reply, ids included', async () => {
    server.setScript(
      script({ research: [tool('look', { path: 'a' }), tool('look', { path: 'b' }), text('c')] }),
    );
    const client = clientOf(server);
    await converse({ client });
    const { answer: _, ...second } = server.requests[1]!;
    const body = { ...(second.message as ReceivedMessageRequest).body, stream: false };
    const again = async () => (await client.post<{ content: unknown }>('/v1/messages', { body })).content;
    const first = await again();
    assert.deepEqual(first, [{ type: 'tool_use', id: 'toolu_0002', name: 'look', input: { path: 'b' } }]);
    assert.deepEqual(await again(), first);
  });

  it('remembers what a script lacks, and says it to the program', async () => {
    const director = script({ research: [tool('look', { path: 'a' })], generate: [text('never')] });
    server.setScript(director);
    const error = await rejection(converse({ client: clientOf(server) }));
    assert.ok(error instanceof BadRequestError);
    assert.match(error.apiMessage ?? '', /"research" asks for reply 2, but 1 are scripted/);
    await rejection(converse({ client: clientOf(server), system: 'role: unheard-of' }));
    await rejection(converse({ client: clientOf(server), system: 'none' }));
    server.setScript(() => {
      throw new Error('my own mistake');
    });
    await rejection(converse({ client: clientOf(server) }));
    assert.deepEqual(
      server.scriptErrors.map(({ message }) => message.replace(/ \(.*/, '')),
      [
        'the conversation "research" asks for reply 2, but 1 are scripted',
        'no conversation "unheard-of" is scripted',
        'the request names no scripted conversation',
        'my own mistake',
      ],
    );
    assert.deepEqual(director.unused(), ['generate: reply 1']);
  });

  it('lists models page by page, or refuses to', async () => {
    const client = clientOf(server);
    const ids: string[] = [];
    for await (const model of client.models.list({ limit: 2 })) {
      assert.deepEqual(
        [model.lifecycle, model.max_tokens, model.max_input_tokens],
        ['active', 128_000, 1_000_000],
      );
      ids.push(model.id);
    }
    assert.deepEqual(ids, ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5']);
    assert.equal(server.requests.length, 2);
    assert.equal((await client.models.retrieve(MODEL)).id, MODEL);
    server.refuseModels(404);
    assert.ok((await rejection(client.models.list())) instanceof NotFoundError);
    server.refuseModels(401);
    assert.ok((await rejection(client.models.list())) instanceof AuthenticationError);
  });

  it('counts tokens', async () => {
    const count = await clientOf(server).beta.messages.countTokens({
      model: MODEL,
      messages: ask('x'.repeat(373)).messages,
    });
    assert.equal(count.input_tokens, 100);
  });

  it('outlives clients that go away, and closes while streams are open', async () => {
    server.setScript(() => text('x'.repeat(5_000)));
    server.fail(1, { stall: 6 });
    const abort = new AbortController();
    const stopped = converse({
      client: clientOf(server),
      signal: abort.signal,
      onEvent: () => {
        abort.abort();
      },
    });
    assert.equal((await rejection(stopped)).name, 'APIUserAbortError');
    server.fail(1, { delayMs: 200 });
    await rejection(converse({ client: clientOf(server), signal: AbortSignal.timeout(50) }));
    assert.equal((await converse({ client: clientOf(server) })).stop_reason, 'end_turn');
    assert.equal(server.requests[1]?.answer?.outcome, 'disconnected');

    server.fail(1, { hang: true });
    const hanging = rejection(converse({ client: clientOf(server) }));
    while (server.requests.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    const start = Date.now();
    await server.close();
    assert.ok(Date.now() - start < 500);
    assert.equal((await hanging).name, 'APIConnectionError');
  });
});
