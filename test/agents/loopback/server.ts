/**
 * A real HTTP server on 127.0.0.1 that speaks the Messages API as far as the official SDK uses it here. What it says is
 * scripted by the test, every word of it; what it does is as close to the API as is known: it refuses what the API
 * refuses, counts and caches tokens, and fails on request in the ways that networks and services fail.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelInfo } from '@anthropic-ai/sdk/resources/models';
import { PromptCache } from './accounting.ts';
import { checkMessage, checkPrompt } from './checks.ts';
import type { RecordedRequest, Script, Totals } from './contracts.ts';
import { ApiError, errorTypeOf, invalid, ScriptError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { Faults, type Fault, type FaultTarget } from './faults.ts';
import { messageOf } from './message.ts';
import { DEFAULT_MODELS, modelInfo, modelPage, type ScriptedModel } from './models.ts';
import { countTokens } from './prompt.ts';
import { received } from './received.ts';
import { asReply } from './replies.ts';
import { messageBodyOf, readCountBody, readMessageBody } from './request-body.ts';

/** The key that the server takes when a test does not care which. */
export const LOOPBACK_KEY = 'sk-ant-loopback-key';

const MAX_BODY_BYTES = 32 * 1024 * 1024;

export interface LoopbackOptions {
  /** Answers message requests; can be set later with `setScript`. */
  readonly script?: Script;
  readonly apiKey?: string;
  readonly models?: readonly ScriptedModel[];
  /** A prefix of fewer tokens is not cached; 1024 when it is left out. */
  readonly minimumCacheableTokens?: number;
  /** How many blocks before a breakpoint the cache is searched; 20 when it is left out, as the API documents. */
  readonly cacheLookback?: number;
}

const noScript: Script = () => {
  throw new ScriptError('the test has given the loopback server no script');
};

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // The rest is read and dropped: a client that is still sending would not see the answer.
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) throw new ApiError(413, 'Request exceeds the maximum allowed number of bytes.');
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export class LoopbackServer {
  readonly url: string;
  /** Every request in the order in which its body was complete. */
  readonly requests: RecordedRequest[] = [];
  /** What went wrong in the scripts. A test asserts at its end that this is empty. */
  readonly scriptErrors: Error[] = [];
  readonly #http: Server;
  readonly #apiKey: string;
  readonly #models: readonly ModelInfo[];
  readonly #cache: PromptCache;
  readonly #faults = new Faults();
  readonly #closing = new AbortController();
  #script: Script;
  #modelsStatus: number | null = null;

  private constructor(http: Server, options: LoopbackOptions) {
    this.#http = http;
    this.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    this.#apiKey = options.apiKey ?? LOOPBACK_KEY;
    this.#models = (options.models ?? DEFAULT_MODELS).map(modelInfo);
    this.#cache = new PromptCache({
      minimumTokens: options.minimumCacheableTokens ?? 1024,
      lookback: options.cacheLookback ?? 20,
    });
    this.#script = options.script ?? noScript;
    http.on('request', (request, response) => void this.#handle(request, response));
  }

  static async start(options: LoopbackOptions = {}): Promise<LoopbackServer> {
    const http = createServer({ keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return new LoopbackServer(http, options);
  }

  get apiKey(): string {
    return this.#apiKey;
  }

  /** Those of `requests` that were sent to `/v1/messages`. */
  get messageRequests(): RecordedRequest[] {
    return this.requests.filter((record) => record.path === '/v1/messages');
  }

  /** How many faults have not happened yet. */
  get faultsLeft(): number {
    return this.#faults.left;
  }

  setScript(script: Script): void {
    this.#script = script;
  }

  /** A number is the n-th message request from now, counted from 1; the SDK's own retries count as requests. */
  fail(target: FaultTarget, fault: Fault): void {
    this.#faults.add(target, fault);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Lets everything that was cached expire. */
  clearCache(): void {
    this.#cache.clear();
  }

  /** From now on the list of models is refused with this status, as by gateways that have none; `null` ends it. */
  refuseModels(status: number | null): void {
    this.#modelsStatus = status;
  }

  /** Forgets requests, faults, cache and errors; script and address stay. */
  reset(): void {
    this.requests.length = 0;
    this.scriptErrors.length = 0;
    this.#faults.clear();
    this.#cache.clear();
    this.#modelsStatus = null;
  }

  /** What the messages that were sent to their end have cost. */
  totals(): Totals {
    const usages = this.messageRequests.flatMap(({ answer }) =>
      answer?.outcome === 'answered' && answer.usage ? [answer.usage] : [],
    );
    const sum = (count: (usage: (typeof usages)[number]) => number | null) =>
      usages.reduce((total, usage) => total + (count(usage) ?? 0), 0);
    return {
      requests: usages.length,
      input: sum((usage) => usage.input_tokens),
      cacheRead: sum((usage) => usage.cache_read_input_tokens),
      cacheWrite: sum((usage) => usage.cache_creation_input_tokens),
      output: sum((usage) => usage.output_tokens),
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const closed = new Promise<void>((resolve) => {
      this.#http.close(() => {
        resolve();
      });
    });
    this.#http.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let rawBody = '';
    let tooLarge: ApiError | undefined;
    try {
      rawBody = await readBody(request);
    } catch (error) {
      // Anything else means that the client went away while it was sending: there is nobody to answer.
      if (!(error instanceof ApiError)) return;
      tooLarge = error;
    }
    const record = this.#record(request, rawBody);
    const exchange = new Exchange(response, record);
    try {
      if (tooLarge) throw tooLarge;
      await this.#route(record, exchange);
    } catch (error) {
      if (this.#closing.signal.aborted || exchange.isOver) return;
      if (error instanceof ApiError) exchange.refuse(error.status, error.type, error.message);
      else exchange.refuse(500, 'api_error', `the loopback server failed: ${String(error)}`);
    }
  }

  #record(request: IncomingMessage, rawBody: string): RecordedRequest {
    const url = new URL(request.url ?? '/', this.url);
    const index = this.requests.length;
    const body = parsed(rawBody);
    const messageBody = url.pathname === '/v1/messages' ? messageBodyOf(body) : undefined;
    const record: RecordedRequest = {
      index,
      at: Date.now(),
      method: request.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      rawBody,
      body,
      ...(messageBody && { message: received(index, request.headers, messageBody) }),
      answer: null,
    };
    this.requests.push(record);
    return record;
  }

  async #route(record: RecordedRequest, exchange: Exchange): Promise<void> {
    const endpoint = `${record.method} ${record.path}`;
    if (endpoint === 'POST /v1/messages') {
      await this.#messages(record, exchange);
    } else if (endpoint === 'POST /v1/messages/count_tokens') {
      this.#authenticate(record);
      const body = readCountBody(record.body);
      checkPrompt(body, this.#models);
      exchange.answer({ input_tokens: countTokens(body), context_management: null });
    } else if (record.method === 'GET' && /^\/v1\/models(\/|$)/.test(record.path)) {
      this.#authenticate(record);
      exchange.answer(this.#modelsAnswer(record));
    } else {
      throw new ApiError(404, 'Not found');
    }
  }

  #modelsAnswer(record: RecordedRequest): unknown {
    const status = this.#modelsStatus;
    if (status !== null) throw new ApiError(status, `scripted status ${status}`, errorTypeOf(status));
    const id = decodeURIComponent(record.path.slice('/v1/models/'.length));
    if (id === '') return modelPage(this.#models, record.query);
    const model = this.#models.find((known) => known.id === id);
    if (!model) throw new ApiError(404, `model: ${id}`);
    return model;
  }

  #authenticate({ headers }: RecordedRequest): void {
    const key = headers['x-api-key'];
    const bearer = headers.authorization;
    if (key === undefined && bearer === undefined) throw new ApiError(401, 'x-api-key header is required');
    if (bearer !== undefined && bearer !== `Bearer ${this.#apiKey}`) {
      throw new ApiError(401, 'Invalid bearer token');
    }
    if (key !== undefined && key !== this.#apiKey) throw new ApiError(401, 'invalid x-api-key');
    if (headers['anthropic-version'] === undefined) throw invalid('anthropic-version: header is required');
  }

  async #messages(record: RecordedRequest, exchange: Exchange): Promise<void> {
    const fault = this.#faults.take(record.message);
    if (fault?.delayMs !== undefined) {
      await sleep(fault.delayMs, undefined, { signal: this.#closing.signal });
      if (exchange.isOver) return;
    }
    if (fault && 'hang' in fault) {
      exchange.hang();
    } else if (fault && 'refuse' in fault) {
      exchange.destroy();
    } else if (fault && 'status' in fault) {
      exchange.failWith(fault);
    } else {
      this.#authenticate(record);
      await this.#scripted(record, exchange, fault);
    }
  }

  async #scripted(record: RecordedRequest, exchange: Exchange, fault: Fault | undefined): Promise<void> {
    const body = readMessageBody(record.body);
    checkMessage(body, this.#models);
    const request = record.message ?? received(record.index, record.headers, body);
    const id = `msg_${String(record.index).padStart(4, '0')}`;
    const message = await this.#orScriptError(async () => {
      const reply = asReply(await this.#script(request));
      if (fault && 'malformedToolJson' in fault && !reply.blocks.some((block) => block.type === 'tool_use')) {
        throw new ScriptError('the fault malformedToolJson met a reply that calls no tool');
      }
      return messageOf(id, request, reply, () => this.#cache.charge(body));
    });
    if (!exchange.isOver) await exchange.message(message, body.stream === true, fault);
  }

  /** A script that fails must not look like a failure of the program under test: it is remembered and said. */
  async #orScriptError<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      const failure = error instanceof Error ? error : new ScriptError(String(error));
      this.scriptErrors.push(failure);
      throw invalid(`scripted reply: ${failure.message}`);
    }
  }
}
