/** The models of all panels and the contracts of what comes back from them: part of the engine's bundle, without `vscode`. */
import { z } from 'zod';
import { SourcewrightError } from '../../../errors.ts';
import type { RunView } from '../../../pipeline/contracts.ts';
import { FromPanel, type PanelKind, PanelState } from '../../../webview/common/envelope.ts';
import { ResearchAction } from '../../../webview/research/contract.ts';
import { ReviewAction } from '../../../webview/review/contract.ts';
import { RunAction } from '../../../webview/run/contract.ts';
import { researchModel } from './research-model.ts';
import { reviewModel } from './review-model.ts';
import { runModel } from './run-model.ts';

const MODELS = { research: researchModel, review: reviewModel, run: runModel };
const ACTIONS = { research: ResearchAction, review: ReviewAction, run: RunAction };

export interface PanelActions {
  readonly research: ResearchAction;
  readonly review: ReviewAction;
  readonly run: RunAction;
}

/** What a panel shows of a run as it is now; plain data. Throws `SourcewrightError` where a file of the run is damaged. */
export async function panelModel(kind: PanelKind, view: RunView): Promise<unknown> {
  return MODELS[kind](view);
}

/** A message as a panel sent it: undefined for its greeting, else what the person did. Throws `input` for anything else. */
export function readPanelMessage<K extends PanelKind>(kind: K, raw: unknown): PanelActions[K] | undefined {
  const message = FromPanel.safeParse(raw);
  if (!message.success) throw refused(kind, message.error);
  if (message.data.type === 'ready') return undefined;
  const action = ACTIONS[kind].safeParse(message.data.action);
  if (!action.success) throw refused(kind, action.error);
  return action.data as PanelActions[K];
}

function refused(kind: PanelKind, error: z.core.$ZodError): SourcewrightError {
  return new SourcewrightError('input', `The panel sent what it may not: ${z.prettifyError(error)}`, {
    where: `panel ${kind}`,
  });
}

/** What a panel remembered over a reload; undefined where that is of no use. */
export function readPanelState(raw: unknown): PanelState | undefined {
  return PanelState.safeParse(raw).data;
}
