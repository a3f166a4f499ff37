import assert from 'node:assert/strict';
import {
  AnthropicError,
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ContentTooLargeError,
  InternalServerError,
  OverloadedError,
  PaymentRequiredError,
  PermissionDeniedError,
  RateLimitError,
  RequestTimeoutError,
  ServiceUnavailableError,
} from '@anthropic-ai/sdk';
import { LoopbackServer, script, text, tool, type Fault } from './index.ts';
import { clientOf, converse, rejection } from './sdk.ts';

describe('loopback server: faults', () => {
  let server: LoopbackServer;
  let seen: string[];

  const failing = (fault: Fault, run: { timeout?: number; signal?: AbortSignal } = {}) => {
    server.fail(1, fault);
    return rejection(converse({ client: clientOf(server), seen, ...run }));
  };
  const outcome = () => server.requests.at(-1)?.answer?.outcome;

  beforeEach(async () => {
    seen = [];
    server = await LoopbackServer.start({
      script: script({
        research: [[text('I look.'), tool('look', { path: 'a', more: true })], text('done')],
      }),
    });
  });

  afterEach(async () => {
    assert.equal(server.faultsLeft, 0);
    await server.close();
  });

  const statuses = [
    [400, BadRequestError, 'invalid_request_error'],
    [401, AuthenticationError, 'authentication_error'],
    [402, PaymentRequiredError, 'billing_error'],
    [403, PermissionDeniedError, 'permission_error'],
    [408, RequestTimeoutError, 'timeout_error'],
    [413, ContentTooLargeError, 'request_too_large'],
    [429, RateLimitError, 'rate_limit_error'],
    [500, InternalServerError, 'api_error'],
    [503, ServiceUnavailableError, 'api_error'],
    [529, OverloadedError, 'overloaded_error'],
  ] as const;
  for (const [status, ErrorClass, type] of statuses) {
    it(`answers ${status} as ${ErrorClass.name}`, async () => {
      const error = await failing({ status, message: 'on purpose' });
      assert.ok(error instanceof ErrorClass);
      assert.deepEqual([error.status, error.type, error.apiMessage], [status, type, 'on purpose']);
      assert.equal(error.requestID, server.requests[0]?.answer?.requestId);
      assert.deepEqual(server.requests[0]?.answer?.error, { type, message: 'on purpose' });
    });
  }

  it('waits as told and tries again, as often as the fault lasts', async () => {
    server.fail(1, { status: 429, retryAfter: 0.01, times: 2 });
    server.fail(4, { status: 529, retryAfter: 0.01 });
    const message = await converse({ client: clientOf(server, 2), seen });
    assert.equal(message.stop_reason, 'end_turn');
    assert.deepEqual(
      server.requests.map(({ answer }) => answer?.status),
      [429, 429, 200, 529, 200],
    );
    assert.deepEqual(seen, ['a']);
    assert.equal(server.totals().requests, 2);
  });

  it('chooses requests by what they hold', async () => {
    server.fail(({ position }) => position === 1, { status: 500 });
    await rejection(converse({ client: clientOf(server) }));
    assert.deepEqual(
      server.requests.map(({ answer }) => answer?.status),
      [200, 500],
    );
  });

  it('gives a gateway’s page instead of JSON', async () => {
    const error = await failing({ status: 502, rawBody: '<h1>Bad gateway</h1>' });
    assert.ok(error instanceof InternalServerError);
    assert.equal(error.type, null);
    assert.match(error.message, /Bad gateway/);
  });

  it('cuts a stream: the SDK says so with no more than an AnthropicError', async () => {
    for (const cut of [0, 5, 1000]) {
      const error = await failing({ cut });
      assert.ok(error instanceof AnthropicError && !(error instanceof APIError));
      assert.equal(error.message, 'terminated');
      assert.equal(outcome(), 'cut');
    }
    assert.deepEqual(seen, []);
    assert.deepEqual(server.totals().requests, 0);
  });

  it('cuts after exactly the events that a fault names', async () => {
    const events: string[] = [];
    server.fail(1, { cut: 4 });
    await rejection(converse({ client: clientOf(server), onEvent: (type) => events.push(type) }));
    // The second event is a ping, which the SDK keeps to itself.
    assert.deepEqual(events, ['message_start', 'content_block_start', 'content_block_delta']);
  });

  it('falls silent in mid-stream, where the SDK has no timeout', async () => {
    const error = await failing({ stall: 5 }, { timeout: 50, signal: AbortSignal.timeout(200) });
    assert.ok(error instanceof APIUserAbortError);
    assert.equal(outcome(), 'stalled');
  });

  it('sends an error event in mid-stream: an APIError without a status', async () => {
    const error = await failing({ errorEvent: 'overloaded_error' });
    assert.ok(error instanceof APIError && !(error instanceof OverloadedError));
    assert.deepEqual([error.status, error.type], [undefined, 'overloaded_error']);
    assert.equal(outcome(), 'errorEvent');
  });

  it('streams tool input that is no JSON', async () => {
    const error = await failing({ malformedToolJson: true });
    assert.ok(error instanceof AnthropicError && !(error instanceof APIError));
    assert.match(error.message, /Unable to parse tool parameter JSON/);
    assert.deepEqual(seen, []);
  });

  it('streams tool input that ends too early: the SDK completes it and runs the tool', async () => {
    server.fail(1, { malformedToolJson: 'truncated' });
    await converse({ client: clientOf(server), seen });
    assert.deepEqual(seen, ['a']);
    const [call] = server.requests[1]?.message?.body.messages[1]?.content.slice(-1) ?? [];
    assert.deepEqual(typeof call === 'object' && call['input'], { path: 'a' });
  });

  it('delays, hangs, and refuses connections', async () => {
    const start = Date.now();
    server.fail(1, { delayMs: 60 });
    await converse({ client: clientOf(server) });
    assert.ok(Date.now() - start >= 55);
    assert.ok((await failing({ hang: true }, { timeout: 60 })) instanceof APIConnectionTimeoutError);
    assert.equal(outcome(), 'hung');
    const refused = await failing({ refuse: true });
    assert.ok(refused instanceof APIConnectionError && !(refused instanceof APIConnectionTimeoutError));
    assert.deepEqual([outcome(), server.requests.at(-1)?.answer?.status], ['refused', null]);
  });

  it('forgets faults on request, and finds those that cannot happen', async () => {
    server.fail(1, { status: 500 });
    server.clearFaults();
    assert.throws(() => {
      server.fail(0, { status: 500 });
    }, RangeError);
    server.fail(2, { malformedToolJson: true });
    await rejection(converse({ client: clientOf(server) }));
    assert.match(server.scriptErrors[0]?.message ?? '', /calls no tool/);
  });
});
