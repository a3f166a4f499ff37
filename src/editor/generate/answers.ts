/** What the person has answered so far, and how the steps that ask are framed. */
import type { Blueprint } from '../../blueprint/schema.ts';
import type { Engine, RunRequest } from '../../pipeline/contracts.ts';
import type { StepFrame } from './quick-steps.ts';
import { t } from '../l10n.ts';

export interface Answers {
  source?: RunRequest['source'];
  /** Known where the source is a description: only that is read at once. */
  blueprint?: Blueprint;
  name?: string;
  engine?: Engine;
  streams?: string[];
}

export const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

export function frame(step: number, title: string, totalSteps = 4): StepFrame {
  return { title: t('Generate Connector: {0}', title), step, totalSteps, back: step > 1 };
}

/** Streams can be picked only where the description was read. */
export function totalSteps(answers: Answers): number {
  return answers.blueprint === undefined ? 3 : 4;
}

/** Takes the source; answers that rest on another one are forgotten. */
export function takeSource(answers: Answers, source: RunRequest['source']): void {
  if (answers.source?.kind !== source.kind || answers.source.location !== source.location) {
    delete answers.blueprint;
    delete answers.name;
    delete answers.streams;
  }
  answers.source = source;
}
