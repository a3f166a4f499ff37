/** Words and icons for stages, gates and runs: pure, shared by trees, status bar and notifications. */
import type {
  FindingAnswer,
  GateName,
  RunStatus,
  RunView,
  Severity,
  StageName,
  StageView,
} from '../pipeline/contracts.ts';
import { raisesIn } from './agents/raise.ts';
import { usageText } from './usage-words.ts';
import { t, text } from './l10n.ts';

export const STAGE_LABEL: Record<StageName, string> = {
  research: text('Research'),
  generate: text('Generate'),
  test: text('Test'),
  diagnose: text('Diagnose'),
  review: text('Review'),
  publish: text('Publish'),
};

export const STAGE_AT_WORK: Record<StageName, string> = {
  research: text('researching'),
  generate: text('generating'),
  test: text('testing'),
  diagnose: text('diagnosing'),
  review: text('reviewing'),
  publish: text('publishing'),
};

export interface GateWords {
  /** What the person is asked, as a short sentence. */
  readonly question: string;
  /** What to look at before answering: a file of the run's folder or of the connector's. */
  readonly look: { readonly in: 'run' | 'connector'; readonly file: string };
  readonly approve: string;
  readonly next: string;
}

export const GATES: Record<GateName, GateWords> = {
  research: {
    question: text('The research is ready to approve'),
    look: { in: 'run', file: 'brief.md' },
    approve: text('Approve'),
    next: text('The connector is then generated from the brief.'),
  },
  code: {
    question: text('The code is ready to approve'),
    look: { in: 'connector', file: 'IMPLEMENTATION.md' },
    approve: text('Approve'),
    next: text('Its tests are then run.'),
  },
  tests: {
    question: text('The tests pass and are ready to approve'),
    look: { in: 'run', file: 'test-report.json' },
    approve: text('Approve'),
    next: text('The connector is then reviewed.'),
  },
  review: {
    question: text('Findings of the review wait for your answers'),
    look: { in: 'run', file: 'review.json' },
    approve: text('Finish Review'),
    next: text('What you accept is worked in, then tested again.'),
  },
  draft: {
    question: text('The review cycles are used up and findings are still open'),
    look: { in: 'run', file: 'review.json' },
    approve: text('Publish as Draft'),
    next: text('The draft lists the open findings.'),
  },
  publish: {
    question: text('The connector is ready to publish'),
    look: { in: 'run', file: 'publication-plan.md' },
    approve: text('Publish'),
    next: text(
      'What goes out, and where to, is listed in publication-plan.md. A clean copy is tested, packaged and committed on a branch of its own.',
    ),
  },
};

/** What ends a pause beside Resume, where the editor can help: a command, its words and what it is offered for. */
export type PauseKind = 'budget' | 'credentials' | 'other' | '';
export const PAUSE_CURES: Partial<
  Record<PauseKind, { readonly title: string; readonly command: string; readonly status: string }>
> = {
  budget: {
    title: text('Raise Budget…'),
    command: 'sourcewright.raiseBudget',
    status: text('paused at its budget'),
  },
  credentials: {
    title: text('Set API Key…'),
    command: 'sourcewright.setApiKey',
    status: text('paused for an API key'),
  },
};

/** Why a run stands still and what to do, as sentences: some messages end with what a server said, without a full stop. */
export function withCure({ message, cure }: { readonly message: string; readonly cure: string }): string {
  return `${sentence(message)} ${cure}`.trim();
}

export function sentence(text: string): string {
  return /[.!?…:]$/.test(text.trim()) || text.trim() === '' ? text.trim() : `${text.trim()}.`;
}

/** Which cure a paused run is offered; '' where it is not paused. */
export function pauseKind({ engine, pause }: Pick<RunView, 'engine' | 'pause'>): PauseKind {
  if (pause === null) return '';
  // A budget that no cap of ours holds (an account without credit) can't be raised here.
  if (pause.cause === 'budget' && raisesIn(pause.cure).length > 0) return 'budget';
  return pause.cause === 'credentials' && engine === 'agents' ? 'credentials' : 'other';
}

/** A theme icon: its codicon and its colour. */
export interface IconName {
  readonly icon: string;
  readonly color?: string;
}

const GREEN = 'testing.iconPassed';
const RED = 'testing.iconFailed';
const YELLOW = 'list.warningForeground';

export const STAGE_ICON: Record<StageView['state'], IconName> = {
  pending: { icon: 'circle-large-outline', color: 'disabledForeground' },
  running: { icon: 'loading~spin' },
  waiting: { icon: 'bell-dot', color: YELLOW },
  done: { icon: 'pass-filled', color: GREEN },
  failed: { icon: 'error', color: RED },
  paused: { icon: 'debug-pause', color: YELLOW },
  cancelled: { icon: 'circle-slash', color: 'disabledForeground' },
};

export const RUN_ICON: Record<RunStatus, IconName> = {
  running: { icon: 'loading~spin' },
  waiting: { icon: 'bell-dot', color: YELLOW },
  paused: { icon: 'debug-pause', color: YELLOW },
  published: { icon: 'pass-filled', color: GREEN },
  finished: { icon: 'pass', color: GREEN },
  failed: { icon: 'error', color: RED },
  cancelled: { icon: 'circle-slash', color: 'disabledForeground' },
};

/** How stages and runs stand, in a word. */
export const STAGE_STATE: Record<StageView['state'], string> = {
  pending: text('pending'),
  running: text('running'),
  waiting: text('waiting'),
  done: text('done'),
  failed: text('failed'),
  paused: text('paused'),
  cancelled: text('cancelled'),
};
export const RUN_STATE: Record<RunStatus, string> = {
  running: text('running'),
  waiting: text('waiting'),
  paused: text('paused'),
  published: text('published'),
  finished: text('finished'),
  failed: text('failed'),
  cancelled: text('cancelled'),
};

/** The gravest first. */
export const SEVERITY_RANK: Record<Severity, number> = { error: 0, warning: 1, info: 2 };

export const SEVERITY_WORD: Record<Severity, string> = {
  error: text('error'),
  warning: text('warning'),
  info: text('info'),
};
export const ANSWER_WORD: Record<FindingAnswer['answer'], string> = {
  accepted: text('accepted'),
  applied: text('applied'),
  rejected: text('rejected'),
};

/** `820 ms`, `4.2 s`, `1 min 05 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return `${minutes} min ${String(Math.floor((ms % 60_000) / 1000)).padStart(2, '0')} s`;
}

/** `5 minutes ago`; a date from a week on. */
export function ago(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 60) return t('just now');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes === 1 ? t('1 minute ago') : t('{0} minutes ago', minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return hours === 1 ? t('1 hour ago') : t('{0} hours ago', hours);
  const days = Math.floor(hours / 24);
  if (days < 7) return days === 1 ? t('1 day ago') : t('{0} days ago', days);
  return iso.slice(0, 10);
}

/** Time of a stage so far; null before it has started. */
export function elapsed(stage: StageView, now: number): number | null {
  if (stage.durationMs !== null) return stage.durationMs;
  return stage.state === 'running' && stage.startedAt !== null ? now - Date.parse(stage.startedAt) : null;
}

/**
 * What stands beside a stage's name: mode, attempt, time and cost. Side bars are narrow and cut the end off, so where models
 * are paid their cost comes first.
 */
export function stageDescription(stage: StageView, now: number, used = usageText): string {
  if (stage.state === 'pending' && stage.attempt === 0) return '';
  const time = elapsed(stage, now);
  const work = [
    stage.mode === null || stage.mode === 'RUN' ? '' : stage.mode,
    stage.attempt > 0 ? `#${stage.attempt}` : '',
    time === null ? '' : duration(time),
  ];
  const price = stage.attempt > 0 ? used(stage.usage) : '';
  return (stage.usage.usd > 0 ? [price, ...work] : [...work, price])
    .filter((part) => part !== '')
    .join(' · ');
}

const ATTENTION: readonly StageView['state'][] = ['running', 'waiting', 'paused', 'cancelled', 'failed'];

/**
 * The stage that has the run's attention: at work, waiting, or where it stopped. What works comes before what has failed:
 * failed tests stay marked as such while they are diagnosed.
 */
export function activeStage({ stages }: Pick<RunView, 'stages'>): StageView | undefined {
  for (const state of ATTENTION) {
    const found = stages.findLast((stage) => stage.state === state);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What is not seen, turns the reading direction round or breaks lines where none are expected. */
const UNSEEN =
  // eslint-disable-next-line no-control-regex
  /(?![\t\n\r])[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Text as Markdown that shows just that text; what stands in backticks is kept as code, as tools mean it. */
export function markdownText(text: string): string {
  const parts = text.replace(UNSEEN, '').replace(/\s+/g, ' ').split('`');
  return parts
    .map((part, index) => {
      const isCode = index % 2 === 1 && index < parts.length - 1 && part !== '';
      return isCode
        ? `\`${part}\``
        : part
            .replace(/[\\`*_{}[\]()#+\-!~<>|&$]/g, '\\$&')
            .replaceAll('://', '\\://')
            .replace(/\bwww\./gi, (www) => `${www.slice(0, -1)}\\.`);
    })
    .join('');
}

/**
 * Text for a notification or an input: the workbench makes links, commands included, of `[words](target)` in them, and
 * these texts may quote what a stranger or a model wrote.
 */
export function unlinked(text: string): string {
  return text.replaceAll('](', '] (');
}

/** `source-petstore`, or the request's title until research has found a name. */
export function runName(view: RunView): string {
  return view.connectorName === null ? view.title : `source-${view.connectorName.replace(/^source-/, '')}`;
}

/** One line on where a run stands. */
export function runSummary(view: RunView): string {
  switch (view.status) {
    case 'running': {
      const stage = activeStage(view);
      return stage === undefined ? t('starting') : t(STAGE_AT_WORK[stage.stage]);
    }
    case 'waiting':
      return view.gate === null ? t('waiting for you') : t(GATES[view.gate].question);
    case 'paused':
      return view.pause === null ? t('paused') : t('paused: {0}', view.pause.message);
    case 'failed':
      return view.error === null ? t('failed') : t('failed: {0}', view.error.message);
    case 'published':
    case 'finished':
    case 'cancelled':
      return t(RUN_STATE[view.status]);
  }
}

export function isFinal(status: RunStatus): boolean {
  return ['published', 'finished', 'failed', 'cancelled'].includes(status);
}
