/** The panel's end of the line to the editor. */
import type * as z from 'zod/mini';
import { FromPanel, type PanelState, ToPanel } from './envelope.ts';

interface EditorApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): EditorApi;

const api = acquireVsCodeApi();

/** Sends what the person did. */
export function act(action: unknown): void {
  api.postMessage(FromPanel.parse({ type: 'act', action }));
}

/** Remembers which run the panel shows: after a reload the editor fills it again from that. */
export function remember(state: PanelState): void {
  api.setState({ ...stored(), ...state });
}

function stored(): Record<string, unknown> {
  const state = api.getState();
  return typeof state === 'object' && state !== null ? { ...state } : {};
}

/** Keeps what the person has chosen or half typed, over redraws, hiding and reloads. */
export function keep(kept: unknown): void {
  api.setState({ ...stored(), kept });
}

/** What was kept; undefined where that is nothing of use. */
export function kept<T>(schema: z.ZodMiniType<T>): T | undefined {
  return schema.safeParse(stored()['kept']).data;
}

/** Calls back with each valid message, from now on, and tells the editor that it may begin to send. */
export function listen(onMessage: (message: ToPanel) => void): void {
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const message = ToPanel.safeParse(event.data);
    if (message.success) onMessage(message.data);
  });
  api.postMessage({ type: 'ready' } satisfies FromPanel);
}
