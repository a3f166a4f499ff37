/** One request's answer on the wire: whole, as a stream, or broken in the way that a fault asks for. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { BetaUsage } from '@anthropic-ai/sdk/resources/beta/messages/messages';
import type { Outcome, RecordedRequest } from './contracts.ts';
import { errorBody, errorTypeOf } from './errors.ts';
import { sse, streamEvents, type ScriptedMessage } from './events.ts';
import type { Fault, StatusFault } from './faults.ts';

/** A stream breaks after this many events when a fault does not say. */
const DEFAULT_AFTER_EVENTS = 4;

/** Where a stream ends too early, and how. */
interface Break {
  readonly after: number;
  readonly outcome: 'cut' | 'stalled' | 'errorEvent';
  readonly error?: { readonly type: string; readonly message: string };
}

function breakOf(fault: Fault | undefined): Break | undefined {
  if (!fault) return undefined;
  if ('cut' in fault) return { after: fault.cut, outcome: 'cut' };
  if ('stall' in fault) return { after: fault.stall, outcome: 'stalled' };
  if ('errorEvent' in fault) {
    const error = { type: fault.errorEvent, message: fault.message ?? `scripted ${fault.errorEvent}` };
    return { after: fault.afterEvents ?? DEFAULT_AFTER_EVENTS, outcome: 'errorEvent', error };
  }
  return undefined;
}

export class Exchange {
  readonly requestId: string;
  readonly #response: ServerResponse;
  readonly #record: RecordedRequest;
  /** Settles when the socket is gone, so that no write waits for it for ever. */
  readonly #closed: Promise<unknown>;

  constructor(response: ServerResponse, record: RecordedRequest) {
    this.requestId = `req_${String(record.index).padStart(4, '0')}`;
    this.#response = response;
    this.#record = record;
    this.#closed = once(response, 'close');
    response.on('error', () => undefined);
    response.on('close', () => {
      if (!response.writableFinished) this.#settle('disconnected');
    });
  }

  /** True when the client has gone away and there is nobody left to answer. */
  get isOver(): boolean {
    return this.#response.destroyed || this.#record.answer !== null;
  }

  answer(body: unknown): void {
    this.#settle('answered', 200);
    this.#json(200, body);
  }

  refuse(status: number, type: string, message: string): void {
    if (this.#response.headersSent) {
      // Too late for a status; breaking off is all that is left.
      this.destroy();
      return;
    }
    this.#settle('error', status, { error: { type, message } });
    this.#json(status, errorBody(type, message, this.requestId));
  }

  failWith(fault: StatusFault): void {
    const { status } = fault;
    const type = fault.errorType ?? errorTypeOf(status);
    const message = fault.message ?? `scripted status ${status}`;
    this.#settle('error', status, { error: { type, message } });
    const headers: Record<string, string> = {};
    if (fault.retryAfter !== undefined) headers['retry-after'] = String(fault.retryAfter);
    if (fault.rawBody === undefined) {
      this.#json(status, errorBody(type, message, this.requestId), headers);
    } else {
      this.#head(status, 'text/html', headers);
      this.#response.end(fault.rawBody);
    }
  }

  hang(): void {
    this.#settle('hung');
  }

  destroy(): void {
    this.#settle(this.#response.headersSent ? 'cut' : 'refused');
    this.#response.destroy();
  }

  async message(message: ScriptedMessage, stream: boolean, fault: Fault | undefined): Promise<void> {
    const broken = breakOf(fault);
    if (stream) {
      await this.#stream(
        message,
        broken,
        fault && 'malformedToolJson' in fault ? fault.malformedToolJson : undefined,
        fault && 'pings' in fault ? fault.pings : 0,
      );
      return;
    }
    if (!broken) {
      this.#settle('answered', 200, { usage: message.usage });
      this.#json(200, message);
      return;
    }
    if (broken.error) {
      // Without a stream there are no events: what would have been one is a status.
      this.refuse(
        broken.error.type === 'overloaded_error' ? 529 : 500,
        broken.error.type,
        broken.error.message,
      );
      return;
    }
    this.#settle(broken.outcome, 200, { usage: message.usage });
    const body = JSON.stringify(message);
    this.#head(200, 'application/json');
    await this.#write(body.slice(0, body.length / 2));
    if (broken.outcome === 'cut') this.#response.destroy();
  }

  async #stream(
    message: ScriptedMessage,
    broken: Break | undefined,
    malformed: true | 'truncated' | undefined,
    pings: number,
  ): Promise<void> {
    const events = [...streamEvents(message, malformed)].slice(0, broken?.after);
    this.#head(200, 'text/event-stream; charset=utf-8', { 'cache-control': 'no-cache' });
    this.#response.flushHeaders();
    const last = events.pop();
    for (const event of events) {
      if (this.isOver) return;
      await this.#write(sse(event.type, event));
    }
    for (let sent = 0; sent < pings && !this.isOver; sent += 1) {
      await this.#write(sse('ping', { type: 'ping' }));
      await delay(100);
    }
    if (this.isOver) return;
    this.#settle(broken?.outcome ?? 'answered', 200, {
      usage: message.usage,
      ...(broken?.error && { error: broken.error }),
    });
    if (last) await this.#write(sse(last.type, last));
    if (broken?.error) {
      await this.#write(sse('error', errorBody(broken.error.type, broken.error.message, this.requestId)));
    }
    if (broken?.outcome === 'stalled') return;
    if (broken?.outcome === 'cut') this.#response.destroy();
    else this.#response.end();
  }

  /** Waits until the bytes have left, so that a cut comes after the event that it was to come after. */
  async #write(chunk: string): Promise<void> {
    const written = new Promise<void>((resolve) => {
      this.#response.write(chunk, () => {
        resolve();
      });
    });
    await Promise.race([written, this.#closed]);
  }

  #head(status: number, contentType: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#response.writeHead(status, {
      'content-type': contentType,
      'request-id': this.requestId,
      ...headers,
    });
  }

  #json(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void {
    this.#head(status, 'application/json', headers);
    this.#response.end(JSON.stringify(body));
  }

  /** Before the last byte is sent, so that whoever has read it finds the record complete. */
  #settle(
    outcome: Outcome,
    status: number | null = this.#response.headersSent ? this.#response.statusCode : null,
    details: {
      readonly usage?: BetaUsage;
      readonly error?: { readonly type: string; readonly message: string };
    } = {},
  ): void {
    this.#record.answer ??= { status, outcome, requestId: this.requestId, ...details };
  }
}
