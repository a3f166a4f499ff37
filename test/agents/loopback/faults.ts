/** What can go wrong on the way, and which requests it happens to. */
import type { ReceivedMessageRequest } from './contracts.ts';
import type { ErrorType } from './errors.ts';

/** Answers with a status instead of a message. */
export interface StatusFault {
  readonly status: number;
  /** Seconds; fractions keep tests fast. */
  readonly retryAfter?: number | string;
  readonly errorType?: string;
  readonly message?: string;
  /** Instead of the API's error body: a gateway's page, for example. */
  readonly rawBody?: string;
}

/** The numbers are events: after how many of them the stream breaks or falls silent. */
export type FaultKind =
  | StatusFault
  /** The socket is destroyed in the middle of the stream. */
  | { readonly cut: number }
  /** The stream stays open and says nothing more. */
  | { readonly stall: number }
  /** An SSE event `error` after status 200. */
  | { readonly errorEvent: ErrorType; readonly message?: string; readonly afterEvents?: number }
  /** `true`: the input of client tools is no JSON. `'truncated'`: it is JSON that ends too early. */
  | { readonly malformedToolJson: true | 'truncated' }
  /** No fault: so many pings, a tenth of a second apart, before the last event. A model thinks, and nothing of it is shown. */
  | { readonly pings: number }
  /** Never answers. */
  | { readonly hang: true }
  /** The socket is destroyed before anything is sent. */
  | { readonly refuse: true }
  | { readonly delayMs: number };

export type Fault = FaultKind & {
  /** For how many requests; 1 when it is left out. */
  readonly times?: number;
  /** Waits before the first byte; goes with every other fault. */
  readonly delayMs?: number;
};

/** The n-th message request from now (1 is the next one), or the next ones that are like this. */
export type FaultTarget = number | ((request: ReceivedMessageRequest) => boolean);

interface PendingFault {
  readonly target: FaultTarget;
  readonly fault: Fault;
  /** How many message requests pass before it; only with a number. */
  passing: number;
  times: number;
}

export class Faults {
  #pending: PendingFault[] = [];

  add(target: FaultTarget, fault: Fault): void {
    const passing = typeof target === 'number' ? target - 1 : 0;
    if (!Number.isInteger(passing) || passing < 0) {
      throw new RangeError('the n-th request from now is counted from 1');
    }
    this.#pending.push({ target, fault, passing, times: fault.times ?? 1 });
  }

  clear(): void {
    this.#pending = [];
  }

  /** How many times faults are still to happen: a test that expects one asserts that none is left. */
  get left(): number {
    return this.#pending.reduce((sum, { times }) => sum + times, 0);
  }

  /** The fault that happens to this message request; `undefined` as request means that its body cannot be read. */
  take(request: ReceivedMessageRequest | undefined): Fault | undefined {
    let taken: PendingFault | undefined;
    for (const pending of this.#pending) {
      if (typeof pending.target === 'number') {
        if (pending.passing > 0) pending.passing -= 1;
        else taken ??= pending;
      } else if (request && pending.target(request)) {
        taken ??= pending;
      }
    }
    if (!taken) return undefined;
    taken.times -= 1;
    this.#pending = this.#pending.filter(({ times }) => times > 0);
    return taken.fault;
  }
}
