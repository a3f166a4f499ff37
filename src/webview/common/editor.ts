/** The panel's end of the line to the editor. */
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
  api.setState(state);
}

/** Calls back with each valid message, from now on, and tells the editor that it may begin to send. */
export function listen(onMessage: (message: ToPanel) => void): void {
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const message = ToPanel.safeParse(event.data);
    if (message.success) onMessage(message.data);
  });
  api.postMessage({ type: 'ready' } satisfies FromPanel);
}
