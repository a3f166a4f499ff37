/** The client of the API, and whether a key works. */
import Anthropic from '@anthropic-ai/sdk';
import type { ModelInfo } from '@anthropic-ai/sdk/resources/models';
import { SourcewrightError } from '../errors.ts';
import { faultOf } from './faults.ts';
import type { Redactor } from './redaction.ts';

export interface ClientOptions {
  readonly apiKey: string;
  readonly baseUrl?: string | undefined;
  /** Told of every piece of an answer that arrives, the API's pings among them: the SDK keeps those to itself. */
  readonly heartbeat?: Heartbeat | undefined;
  /** Nothing that it knows leaves this machine. */
  readonly redactor?: Redactor | undefined;
  /** Stands for the network in a replay. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** Whoever wants to know that a stream is still alive. */
export interface Heartbeat {
  beat: (() => void) | undefined;
}

/**
 * A client that reads no credentials or settings of its own (environment, profiles) and tries nothing again by itself: when
 * and how often is ours to decide and to show. No logging: debug logs of the SDK hold whole requests.
 */
export function createClient(options: ClientOptions): Anthropic {
  const { redactor } = options;
  return new Anthropic({
    apiKey: options.apiKey,
    authToken: null,
    baseURL: options.baseUrl ?? 'https://api.anthropic.com',
    maxRetries: 0,
    logLevel: 'off',
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    middleware: [
      async (request, next) => {
        const { body } = request;
        if (typeof body === 'string' && redactor?.holds(body) === true) {
          throw new SourcewrightError(
            'internal',
            'A secret stood in a request to the model; it was not sent.',
            {
              cure: 'This is a mistake in Sourcewright. Please report how it came about, without the secret.',
            },
          );
        }
        return listenedTo(await next(request), options.heartbeat);
      },
    ],
  });
}

/** The same answer, with each piece of its body noticed. */
function listenedTo(response: Response, heartbeat: Heartbeat | undefined): Response {
  if (heartbeat === undefined || response.body === null) return response;
  const noticed = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, controller) {
        heartbeat.beat?.();
        controller.enqueue(piece);
      },
    }),
  );
  return new Response(noticed, response);
}

/** All models that the key may use. */
export async function listModels(client: Anthropic, signal?: AbortSignal): Promise<ModelInfo[]> {
  const models: ModelInfo[] = [];
  for await (const model of client.models.list({ limit: 1000 }, signal === undefined ? {} : { signal })) {
    models.push(model);
  }
  return models;
}

export interface KeyTest {
  /** Ids of the models that the key may use, newest first as the API gives them. */
  readonly models: readonly string[];
  /** Something to know although the key works: a gateway without a list of models. */
  readonly warning: string | undefined;
}

/**
 * Asks the API for the key's models, which costs nothing.
 * @throws SourcewrightError `credentials` when the key is refused, `remote` when the API can't be reached
 */
export async function testKey(options: {
  readonly apiKey: string;
  readonly baseUrl?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}): Promise<KeyTest> {
  const client = createClient(options);
  try {
    const models = await listModels(client, options.signal);
    return { models: models.map(({ id }) => id), warning: undefined };
  } catch (error) {
    if (options.signal?.aborted === true) throw new SourcewrightError('cancelled', 'Cancelled.');
    return keyFault(error, options.baseUrl);
  }
}

function keyFault(error: unknown, baseUrl: string | undefined): KeyTest {
  const where = baseUrl ?? 'https://api.anthropic.com';
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (baseUrl !== undefined && (status === 404 || status === 405 || status === 501)) {
    return { models: [], warning: `${where} has no list of models, so the key could not be tested there.` };
  }
  const fault = faultOf(error, Date.now());
  if (fault.kind === 'pause') {
    const code = fault.cause === 'credentials' ? 'credentials' : 'remote';
    throw new SourcewrightError(code, fault.message, { where, cure: fault.cure, cause: error });
  }
  const why = fault.kind === 'retry' ? fault.why : 'the answer could not be read';
  throw new SourcewrightError('remote', `The API could not be asked: ${why}.`, {
    where,
    cure: 'Check the network and the base URL, then try again.',
    retry: true,
    cause: error,
  });
}
