/** Which buttons the run view has in which state. Pure; each button does what a command of the same words does. */
import type { RunView } from '../../../pipeline/contracts.ts';
import type { RunButton, RunModel } from '../../../webview/run/contract.ts';
import { GATES, isFinal, PAUSE_CURES, pauseKind } from '../../present.ts';

/** @param readOnly another process drives the run: nothing can be done to it from here */
export function buttonsOf(view: RunView, readOnly: boolean): RunModel['buttons'] {
  const open: RunModel['buttons'] =
    view.connectorDir === null ||
    view.stages.every(({ stage, attempt }) => stage !== 'generate' || attempt === 0)
      ? []
      : [{ button: 'openConnector', label: 'Show Connector' }];
  return readOnly ? open : [...acts(view), ...open, ...ends(view)];
}

type Button = RunModel['buttons'][number];
const button = (name: RunButton, label: string): Button => ({ button: name, label });

function acts(view: RunView): Button[] {
  switch (view.status) {
    case 'running':
      return [button('pause', 'Pause')];
    case 'waiting':
      return view.gate === null ? [] : atGate(view.gate);
    case 'paused': {
      const cure = PAUSE_CURES[pauseKind(view)];
      return [...(cure === undefined ? [] : [button('cure', cure.title)]), button('resume', 'Resume')];
    }
    case 'failed':
    case 'cancelled':
      return [button('runAgain', 'Run Again')];
    case 'published':
    case 'finished':
      return [];
  }
}

/** The tests are judged by the evidence on this very page, so they are answered here too. */
function atGate(gate: NonNullable<RunView['gate']>): Button[] {
  if (gate !== 'tests') return [button('decide', gate === 'review' ? 'Go to Findings' : 'Look and Decide')];
  return [
    button('approve', GATES.tests.approve),
    button('requestChanges', 'Request Changes…'),
    button('reject', 'Reject…'),
  ];
}

function ends(view: RunView): Button[] {
  return isFinal(view.status) ? [] : [button('cancel', 'Cancel Run')];
}
