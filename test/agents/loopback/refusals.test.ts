import assert from 'node:assert/strict';
import { LOOPBACK_KEY, LoopbackServer, reply, text, thinking } from './index.ts';
import { MODEL } from './sdk.ts';

const call = (id: string) => ({ type: 'tool_use', id, name: 'look', input: {} });
const result = (id: string) => ({ type: 'tool_result', tool_use_id: id, content: 'seen' });
const user = (...content: object[]) => ({ role: 'user', content });
const assistant = (...content: object[]) => ({ role: 'assistant', content });
const hello = { type: 'text', text: 'hello' };
const marked = { ...hello, cache_control: { type: 'ephemeral' } };
const look = { name: 'look', input_schema: { type: 'object' } };

describe('loopback server: refusals', () => {
  let server: LoopbackServer;

  before(async () => {
    server = await LoopbackServer.start({ script: () => reply(text('yes')) });
  });

  after(async () => {
    await server.close();
  });

  async function post(
    changes: object,
    headers: Record<string, string> = { 'x-api-key': LOOPBACK_KEY, 'anthropic-version': '2023-06-01' },
  ): Promise<{ status: number; type: string; message: string }> {
    const body = { model: MODEL, max_tokens: 100, messages: [user(hello)], ...changes };
    const response = await fetch(`${server.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { error?: { type: string; message: string } };
    return { status: response.status, type: answer.error?.type ?? '', message: answer.error?.message ?? '' };
  }

  const refused: readonly (readonly [what: string, changes: object, message: RegExp])[] = [
    ['no messages', { messages: [] }, /^messages: at least one message is required/],
    ['no max_tokens', { max_tokens: undefined }, /^max_tokens: Field required/],
    ['no model', { model: undefined }, /^model: Field required/],
    ['more output than the model has', { max_tokens: 200_000 }, /^max_tokens: 200000 > 128000/],
    [
      'a call without its result',
      { messages: [user(hello), assistant(call('a')), user(hello)] },
      /^messages\.1: `tool_use` ids were found without `tool_result` blocks immediately after: a\./,
    ],
    ['a call at the end', { messages: [user(hello), assistant(call('a'))] }, /^messages\.1: `tool_use` ids/],
    [
      'a result behind a text',
      { messages: [user(hello), assistant(call('a')), user(hello, result('a'))] },
      /^messages\.1: `tool_use` ids/,
    ],
    [
      'a result without its call',
      { messages: [user(result('a'))] },
      /^messages\.0\.content\.0: unexpected `tool_use_id` found in `tool_result` blocks: a\./,
    ],
    [
      'a result given twice',
      { messages: [user(hello), assistant(call('a')), user(result('a'), result('a'))] },
      /single result/,
    ],
    [
      'a call’s id used twice',
      { messages: [user(hello), assistant(call('a'), call('a')), user(result('a'))] },
      /ids must be unique/,
    ],
    [
      'a search’s result without the search',
      {
        messages: [
          user(hello),
          assistant({ type: 'web_search_tool_result', tool_use_id: 's', content: [] }),
          user(hello),
        ],
      },
      /unexpected `tool_use_id` found in `web_search_tool_result` blocks: s/,
    ],
    ['two tools of one name', { tools: [look, look] }, /^tools: Tool names must be unique/],
    [
      'a tool without a schema',
      { tools: [{ name: 'look' }] },
      /^tools\.0\.custom\.input_schema: Field required/,
    ],
    ['a tool’s name with a dot', { tools: [{ ...look, name: 'a.b' }] }, /^tools\.0\.custom\.name/],
    [
      'five breakpoints',
      { system: [marked, marked], messages: [user(marked, marked, marked)] },
      /^A maximum of 4 blocks with cache_control may be provided\. Found 5\./,
    ],
    [
      'an automatic breakpoint as the fifth',
      { cache_control: { type: 'ephemeral' }, messages: [user(marked, marked, marked, marked)] },
      /Found 5\./,
    ],
    [
      'an hour after five minutes',
      { system: [marked], cache_control: { type: 'ephemeral', ttl: '1h' } },
      /must not come after a ttl='5m'/,
    ],
    ['an empty text', { messages: [user({ type: 'text', text: ' ' })] }, /must be non-empty/],
    ['no content', { messages: [user()] }, /must have non-empty content/],
    [
      'changed thinking',
      { messages: [user(hello), assistant({ ...thinking('so'), thinking: 'no' }, hello), user(hello)] },
      /^messages\.1\.content\.0: Invalid `signature` in `thinking` block/,
    ],
    [
      'a prefilled answer',
      { messages: [user(hello), assistant(hello)] },
      /does not support assistant message prefill/,
    ],
    ['a thread', { thread: { type: 'create' } }, /^thread: the loopback server holds no threads/],
  ];
  for (const [what, changes, message] of refused) {
    it(`refuses ${what}`, async () => {
      const answer = await post(changes);
      assert.deepEqual([answer.status, answer.type], [400, 'invalid_request_error']);
      assert.match(answer.message, message);
    });
  }

  it('refuses models that it does not know', async () => {
    const { status, type, message } = await post({ model: 'claude-unknown' });
    assert.deepEqual([status, type, message], [404, 'not_found_error', 'model: claude-unknown']);
  });

  it('refuses missing and wrong keys', async () => {
    for (const headers of [{}, { 'x-api-key': 'wrong' }, { authorization: 'Bearer wrong' }]) {
      const { status, type } = await post({}, headers);
      assert.deepEqual([status, type], [401, 'authentication_error']);
    }
  });

  it('takes what is right', async () => {
    const messages = [
      user(hello),
      assistant(thinking('so'), call('a'), call('b')),
      user(result('b'), result('a'), marked),
    ];
    const bearer = { authorization: `Bearer ${LOOPBACK_KEY}`, 'anthropic-version': '2023-06-01' };
    assert.equal((await post({ messages, tools: [look], system: 'be kind' }, bearer)).status, 200);
  });

  it('leaves no error of a script behind', () => {
    assert.deepEqual(server.scriptErrors, []);
  });
});
