/** A debug session as the suite follows it: where it stops, what can be read there, and its end. */
import { strict as assert } from 'node:assert';
import * as vscode from 'vscode';
import { until } from './helpers.ts';

/** A place at which the debugged program stands. */
export interface Stop {
  readonly session: vscode.DebugSession;
  readonly threadId: number;
  readonly frameId: number;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

interface Told {
  readonly type: string;
  readonly event?: string;
  readonly body?: { readonly threadId?: number; readonly systemProcessId?: number };
}

/** Follows all sessions of Python from now on; `dispose` lets go of them. */
export class DebugWatch implements vscode.Disposable {
  /** Processes that were debugged, by the debugger's word. */
  readonly processes: number[] = [];
  readonly #stops: { session: vscode.DebugSession; threadId: number }[] = [];
  readonly #ended = new Set<string>();
  #goesOn = false;
  readonly #owned: vscode.Disposable[];

  constructor() {
    this.#owned = [
      vscode.debug.registerDebugAdapterTrackerFactory('debugpy', {
        createDebugAdapterTracker: (session) => ({
          onDidSendMessage: (message: Told) => {
            const { event, body } = message;
            const threadId = body?.threadId ?? 0;
            if (event === 'stopped' && this.#goesOn) void session.customRequest('continue', { threadId });
            else if (event === 'stopped') this.#stops.push({ session, threadId });
            if (event === 'process' && body?.systemProcessId !== undefined)
              this.processes.push(body.systemProcessId);
          },
        }),
      }),
      vscode.debug.onDidTerminateDebugSession(({ id }) => {
        this.#ended.add(id);
      }),
    ];
  }

  /** Waits until the program stands still, and says where. */
  async stopped(): Promise<Stop> {
    const { session, threadId } = await until('the debugger to stop', () => this.#stops.shift(), 90_000);
    const { stackFrames } = (await session.customRequest('stackTrace', { threadId })) as {
      stackFrames: { id: number; line: number; source?: { path?: string } }[];
    };
    const [frame] = stackFrames;
    assert.ok(frame, 'the debugger stands nowhere');
    // The workbench makes an address of the adapter's path.
    const { fsPath: file } = vscode.Uri.parse(frame.source?.path ?? '');
    return { session, threadId, frameId: frame.id, file, line: frame.line };
  }

  /** To the end: a line may be passed several times, a comprehension in it each time anew. */
  async goOn({ session, threadId }: Stop): Promise<void> {
    this.#goesOn = true;
    await session.customRequest('continue', { threadId });
  }

  async ended({ session }: Stop): Promise<void> {
    await until('the end of the session', () => this.#ended.has(session.id), 30_000);
  }

  dispose(): void {
    for (const owned of this.#owned) owned.dispose();
  }
}

/** What an expression is worth where the program stands, as Python writes it. */
export async function valueAt({ session, frameId }: Stop, expression: string): Promise<string> {
  const { result } = (await session.customRequest('evaluate', { expression, frameId, context: 'repl' })) as {
    result: string;
  };
  return result;
}
