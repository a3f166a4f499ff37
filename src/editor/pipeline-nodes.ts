/** The nodes of the Pipeline view and how each looks; a stage's own item is the tree's, for it follows the run. */
import { basename } from 'node:path';
import { MarkdownString, ThemeIcon, TreeItem, Uri } from 'vscode';
import type { Finding, FindingAnswer, Review, StageName, StageView } from '../pipeline/contracts.ts';
import { FEED_ICON, feedKind, feedLabel } from './agents/feed.ts';
import {
  duration,
  elapsed,
  GATES,
  withCure,
  SEVERITY_RANK,
  SEVERITY_WORD,
  STAGE_LABEL,
  STAGE_STATE,
  ANSWER_WORD,
} from './present.ts';
import { isReport } from './reports/report-documents.ts';
import type { RunEntry } from './run-service.ts';
import { themeIcon } from './runs-tree.ts';
import { usageInWords } from './usage-words.ts';
import { t } from './l10n.ts';

/** A node of the Pipeline view. Nodes are plain data with stable ids, so that what is expanded stays so. */
export type PipelineNode =
  | { readonly kind: 'stage'; readonly runId: string; readonly stage: StageName }
  | { readonly kind: 'note'; readonly runId: string; readonly stage: StageName; readonly text: string }
  | {
      readonly kind: 'artifact';
      readonly runId: string;
      readonly stage: StageName;
      readonly path: string;
      readonly label: string;
    }
  | {
      readonly kind: 'activity';
      readonly runId: string;
      readonly stage: StageName;
      /** Within its stage. */
      readonly id: string;
      readonly line: string;
    }
  | {
      readonly kind: 'transcript';
      readonly runId: string;
      readonly stage: StageName;
      readonly attempt: number;
      readonly path: string;
    }
  | { readonly kind: 'connector'; readonly runId: string; readonly path: string }
  | {
      readonly kind: 'finding';
      readonly runId: string;
      readonly finding: Finding;
      readonly answer: FindingAnswer | undefined;
    };

type Of<K extends PipelineNode['kind']> = Extract<PipelineNode, { kind: K }>;

const ARTIFACT_ICON: [RegExp, string][] = [
  [/\.md$/, 'book'],
  [/test-report/, 'beaker'],
  [/review/, 'comment-discussion'],
  [/publication/, 'package'],
  [/\.json$/, 'json'],
];
const SEVERITY_ICON = {
  error: { icon: 'error', color: 'list.errorForeground' },
  warning: { icon: 'warning', color: 'list.warningForeground' },
  info: { icon: 'info' },
} as const;

/** The item of any node but a stage. */
export function itemOf(node: Exclude<PipelineNode, { kind: 'stage' }>): TreeItem {
  switch (node.kind) {
    case 'note':
      return noteItem(node);
    case 'activity':
      return activityItem(node);
    case 'transcript':
      return transcriptItem(node);
    case 'artifact':
      return artifactItem(node);
    case 'connector':
      return connectorItem(node);
    case 'finding':
      return findingItem(node);
  }
}

function noteItem(node: Of<'note'>): TreeItem {
  const item = new TreeItem(node.text);
  item.id = `${node.runId}/${node.stage}/note`;
  item.tooltip = node.text;
  item.iconPath = new ThemeIcon('blank');
  return item;
}

function activityItem({ runId, stage, id, line }: Of<'activity'>): TreeItem {
  const item = new TreeItem(line);
  item.id = `${runId}/${stage}/activity/${id}`;
  item.tooltip = line;
  item.iconPath = themeIcon(FEED_ICON[feedKind(line)]);
  item.contextValue = 'activity';
  item.accessibilityInformation = { label: feedLabel(line) };
  return item;
}

function transcriptItem(node: Of<'transcript'>): TreeItem {
  const item = new TreeItem(
    node.attempt === 1 ? t('Transcript') : t('Transcript of attempt {0}', node.attempt),
  );
  item.id = `${node.runId}/${node.stage}/transcript/${node.attempt}`;
  item.description = t('turns, calls, cost');
  item.tooltip = node.path;
  item.iconPath = new ThemeIcon('list-ordered');
  item.contextValue = 'transcript';
  item.command = { command: 'sourcewright.openArtifact', title: t('Open'), arguments: [node] };
  item.accessibilityInformation = {
    label: t('Transcript of {0}, attempt {1}', t(STAGE_LABEL[node.stage]), node.attempt),
  };
  return item;
}

function artifactItem(node: Of<'artifact'>): TreeItem {
  const item = new TreeItem(node.label);
  item.id = `${node.runId}/${node.stage}/${node.label}`;
  item.resourceUri = Uri.file(node.path);
  item.iconPath = new ThemeIcon(ARTIFACT_ICON.find(([name]) => name.test(node.label))?.[1] ?? 'file');
  item.contextValue = isReport(node.path) ? 'artifact.report' : 'artifact';
  item.command = { command: 'sourcewright.openArtifact', title: t('Open'), arguments: [node] };
  return item;
}

function connectorItem(node: Of<'connector'>): TreeItem {
  const item = new TreeItem(basename(node.path));
  item.id = `${node.runId}/connector`;
  item.description = t('the connector');
  item.tooltip = node.path;
  item.iconPath = new ThemeIcon('folder-library');
  item.contextValue = 'connector';
  item.command = {
    command: 'sourcewright.openConnectorFolder',
    title: t('Show in Explorer'),
    arguments: [node],
  };
  return item;
}

/** The gravest first. An answer changes a row's icon, not its place: nothing moves under the pointer. */
export function findingNodes(runId: string, review: Review): PipelineNode[] {
  const answers = new Map(review.answers.map((answer) => [answer.finding, answer]));
  return [...review.findings]
    .sort((a, b) => SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity])
    .map((finding) => ({ kind: 'finding' as const, runId, finding, answer: answers.get(finding.id) }));
}

function findingItem(node: Of<'finding'>): TreeItem {
  const { finding, answer } = node;
  const label = finding.message.replaceAll('`', '');
  const item = new TreeItem(label);
  item.id = `${node.runId}/finding/${finding.id}`;
  item.description = [
    answer === undefined ? undefined : t(ANSWER_WORD[answer.answer]),
    `${finding.range.file}:${finding.range.startLine}`,
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
  item.iconPath =
    answer === undefined
      ? themeIcon(SEVERITY_ICON[finding.severity])
      : new ThemeIcon(answer.answer === 'rejected' ? 'close' : 'check');
  item.tooltip = `${finding.message}\n${t(SEVERITY_WORD[finding.severity])} · ${finding.category} · ${finding.source} ${finding.rule}`;
  item.contextValue = `finding.${answer === undefined ? 'open' : 'answered'}`;
  item.accessibilityInformation = {
    label: t(
      '{0}, {1}, {2} finding',
      label,
      t(SEVERITY_WORD[finding.severity]),
      answer === undefined ? t('open') : t(ANSWER_WORD[answer.answer]),
    ),
  };
  item.command = { command: 'sourcewright.revealFinding', title: t('Go to Finding'), arguments: [node] };
  return item;
}

export function stageTooltip({ view }: RunEntry, stage: StageView, now: number): MarkdownString {
  const text = new MarkdownString(`**${t(STAGE_LABEL[stage.stage])}** · ${t(STAGE_STATE[stage.state])}\n\n`);
  if (stage.state === 'waiting' && view.gate !== null) {
    text.appendText(`${t(GATES[view.gate].question)}. ${t(GATES[view.gate].next)}\n\n`);
  }
  if (stage.note !== '') text.appendText(`${stage.note}\n\n`);
  if (stage.state === 'paused' && view.pause !== null) {
    text.appendText(`${withCure(view.pause)}\n\n`);
  }
  if (stage.state === 'failed' && view.error !== null) {
    text.appendText(`${view.error.message} ${view.error.cure ?? ''}\n\n`);
  }
  const time = elapsed(stage, now);
  text.appendMarkdown(
    [
      stage.mode === null ? '' : t('Mode {0}', stage.mode),
      stage.attempt === 0 ? '' : t('attempt {0}', stage.attempt),
      time === null ? '' : duration(time),
      usageInWords(stage.usage),
    ]
      .filter((part) => part !== '')
      .join(' · '),
  );
  return text;
}
