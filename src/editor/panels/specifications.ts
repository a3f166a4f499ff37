/** The kinds of panel and what each does with the person's actions. */
import { runName } from '../present.ts';
import type { PanelSpecifications } from './panels.ts';
import { researchPanel } from './research-panel.ts';
import { reviewPanel } from './review-panel.ts';
import { runPanel } from './run-panel.ts';
import type { Gates } from '../gates.ts';
import type { FindingComments } from '../findings/finding-comments.ts';
import type { RunService } from '../run-service.ts';
import { t } from '../l10n.ts';

/** What the panels act through. */
export interface PanelServices {
  readonly runs: RunService;
  readonly gates: Gates;
  readonly findings: FindingComments;
}

export function panelSpecifications(services: PanelServices): PanelSpecifications {
  return {
    research: { title: ({ view }) => t('Research: {0}', runName(view)), ...researchPanel(services) },
    review: { title: ({ view }) => t('Review: {0}', runName(view)), ...reviewPanel(services) },
    run: { title: ({ view }) => t('Run: {0}', runName(view)), ...runPanel(services) },
  };
}
