/** Puts a panel on the page: waits for its model, draws it, draws it again with each new one. */
import { render, type ComponentType } from 'preact';
import type * as z from 'zod/mini';
import { listen, remember } from './editor.ts';
import { PanelState, type ToPanel } from './envelope.ts';

/** What the last thing that a person did came to, where it failed. */
export type Failure = Omit<Extract<ToPanel, { type: 'failed' }>, 'type'>;

export interface PanelProperties<Model> {
  readonly model: Model;
  /** Null once a newer model has come. */
  readonly failure: Failure | null;
}

/** @param schema of the model; what does not fit it is said instead of shown */
export function mount<Model>(
  schema: z.ZodMiniType<Model>,
  Panel: ComponentType<PanelProperties<Model>>,
): void {
  const root = document.getElementById('root');
  if (root === null) throw new Error('The page has no place for the panel.');
  const state = PanelState.safeParse({ kind: root.dataset['kind'], runId: root.dataset['run'] });
  if (state.success) remember(state.data);
  let model: Model | undefined;
  let failure: Failure | null = null;
  let problem: string | null = null;
  const draw = (): void => {
    if (problem !== null) render(<p role="alert">{problem}</p>, root);
    else if (model !== undefined) render(<Panel model={model} failure={failure} />, root);
  };
  listen((message) => {
    if (message.type === 'failed') failure = message;
    else {
      const parsed = schema.safeParse(message.model);
      problem = parsed.success ? null : 'The editor sent what this panel can’t show. Reload the window.';
      if (parsed.success) model = parsed.data;
      failure = null;
    }
    root.querySelector('[role=status].loading')?.remove();
    draw();
  });
}
