import {
  EventEmitter,
  MarkdownString,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  Uri,
  type Disposable,
  type TreeDataProvider,
} from 'vscode';
import { join } from 'node:path';
import type { Finding, FindingAnswer, Review, StageName, StageView } from '../pipeline/contracts.ts';
import {
  cost,
  duration,
  elapsed,
  GATES,
  SEVERITY_RANK,
  STAGE_ICON,
  STAGE_LABEL,
  stageDescription,
} from './present.ts';
import { isReport } from './reports/report-documents.ts';
import type { RunEntry, RunService } from './run-service.ts';
import { themeIcon } from './runs-tree.ts';

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
  | { readonly kind: 'connector'; readonly runId: string; readonly path: string }
  | {
      readonly kind: 'finding';
      readonly runId: string;
      readonly finding: Finding;
      readonly answer: FindingAnswer | undefined;
    };

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

/** The stages of the current run, each with what it left to read. */
export class PipelineTree implements TreeDataProvider<PipelineNode>, Disposable {
  readonly #runs: RunService;
  readonly #changed = new EventEmitter<PipelineNode | undefined>();
  readonly #subscription: Disposable;
  #refresh: NodeJS.Timeout | undefined;
  #clock: NodeJS.Timeout | undefined;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(runs: RunService) {
    this.#runs = runs;
    this.#subscription = runs.onDidChange(() => {
      this.#refreshSoon();
    });
  }

  /** Many small changes come while a stage is at work: the view is drawn at most ten times a second. */
  #refreshSoon(): void {
    this.#refresh ??= setTimeout(() => {
      this.#refresh = undefined;
      this.#changed.fire(undefined);
      this.#tick();
    }, 100);
  }

  /** Lets the time of a running stage go on. */
  #tick(): void {
    clearTimeout(this.#clock);
    const running = this.#runs.current()?.view.stages.some((stage) => stage.state === 'running');
    if (running === true) {
      this.#clock = setTimeout(() => {
        this.#refreshSoon();
      }, 1000);
    }
  }

  async getChildren(node?: PipelineNode): Promise<PipelineNode[]> {
    const entry = node === undefined ? this.#runs.current() : this.#runs.entry(node.runId);
    if (entry === undefined) return [];
    if (node === undefined) {
      return entry.view.stages.map(({ stage }) => ({ kind: 'stage', runId: entry.view.runId, stage }));
    }
    if (node.kind !== 'stage') return [];
    const stage = stageOf(entry, node.stage);
    return stage === undefined ? [] : this.#childrenOf(entry, stage);
  }

  async #childrenOf({ view }: RunEntry, stage: StageView): Promise<PipelineNode[]> {
    const of = { runId: view.runId, stage: stage.stage };
    const children: PipelineNode[] = [];
    if (stage.note !== '') children.push({ kind: 'note', ...of, text: stage.note });
    // What is written for people comes before what is written for programs.
    const forPeople = (name: string): number => (name.endsWith('.md') ? 0 : 1);
    for (const name of [...stage.artifacts].sort((a, b) => forPeople(a) - forPeople(b))) {
      children.push({ kind: 'artifact', ...of, path: join(view.runDir, name), label: name });
    }
    if (stage.stage === 'generate' && stage.state !== 'pending' && view.connectorDir !== null) {
      children.push({ kind: 'connector', runId: view.runId, path: view.connectorDir });
    }
    if (stage.stage === 'review' && stage.artifacts.includes('review.json')) {
      const review = await this.#runs.review(view.runId).catch(() => undefined);
      if (review !== undefined) children.push(...findingNodes(view.runId, review));
    }
    return children;
  }

  getTreeItem(node: PipelineNode): TreeItem {
    switch (node.kind) {
      case 'stage':
        return this.#stageItem(node.runId, node.stage);
      case 'note': {
        const item = new TreeItem(node.text);
        item.id = `${node.runId}/${node.stage}/note`;
        item.tooltip = node.text;
        item.iconPath = new ThemeIcon('blank');
        return item;
      }
      case 'artifact': {
        const item = new TreeItem(node.label);
        item.id = `${node.runId}/${node.stage}/${node.label}`;
        item.resourceUri = Uri.file(node.path);
        item.iconPath = new ThemeIcon(ARTIFACT_ICON.find(([name]) => name.test(node.label))?.[1] ?? 'file');
        item.contextValue = isReport(node.path) ? 'artifact.report' : 'artifact';
        item.command = { command: 'sourcewright.openArtifact', title: 'Open', arguments: [node] };
        return item;
      }
      case 'connector': {
        const item = new TreeItem(node.path.split(/[\\/]/).at(-1) ?? node.path);
        item.id = `${node.runId}/connector`;
        item.description = 'the connector';
        item.tooltip = node.path;
        item.iconPath = new ThemeIcon('folder-library');
        item.contextValue = 'connector';
        item.command = {
          command: 'sourcewright.openConnectorFolder',
          title: 'Show in Explorer',
          arguments: [node],
        };
        return item;
      }
      case 'finding':
        return findingItem(node);
    }
  }

  #stageItem(runId: string, name: StageName): TreeItem {
    const item = new TreeItem(STAGE_LABEL[name], TreeItemCollapsibleState.None);
    const entry = this.#runs.entry(runId);
    const stage = entry === undefined ? undefined : stageOf(entry, name);
    if (entry === undefined || stage === undefined) return item;
    const now = Date.now();
    const waiting = stage.state === 'waiting' ? entry.view.gate : null;
    item.description = [waiting === null ? '' : 'waiting for you', stageDescription(stage, now)]
      .filter((part) => part !== '')
      .join(' · ');
    item.iconPath = themeIcon(STAGE_ICON[stage.state]);
    item.tooltip = stageTooltip(entry, stage, now);
    // The workbench remembers by id what was folded. A stage changes its id when it begins and when it ends, so that it
    // opens by itself while there is something to see and folds when it is over; in between, the person's hand counts.
    const over = stage.state === 'done' || stage.state === 'cancelled';
    const phase = stage.attempt === 0 ? 'pending' : over ? 'over' : 'live';
    item.id = `${runId}/${name}/${phase}`;
    if (phase !== 'pending') {
      item.collapsibleState = over ? TreeItemCollapsibleState.Collapsed : TreeItemCollapsibleState.Expanded;
    }
    item.contextValue = [
      'stage',
      name,
      stage.state,
      waiting === null ? '' : `gate-${waiting}`,
      entry.access === 'locked' ? 'locked' : 'ours',
      entry.view.status === 'running' ? 'busy' : 'idle',
    ]
      .filter((part) => part !== '')
      .join('.');
    item.accessibilityInformation = {
      label: `${STAGE_LABEL[name]}: ${stage.state}${waiting === null ? '' : `, ${GATES[waiting].question}`}. ${item.description}`,
    };
    return item;
  }

  dispose(): void {
    clearTimeout(this.#refresh);
    clearTimeout(this.#clock);
    this.#subscription.dispose();
    this.#changed.dispose();
  }
}

function stageOf(entry: RunEntry, name: StageName): StageView | undefined {
  return entry.view.stages.find((stage) => stage.stage === name);
}

/** The gravest first. An answer changes a row's icon, not its place: nothing moves under the pointer. */
function findingNodes(runId: string, review: Review): PipelineNode[] {
  const answers = new Map(review.answers.map((answer) => [answer.finding, answer]));
  return [...review.findings]
    .sort((a, b) => SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity])
    .map((finding) => ({ kind: 'finding' as const, runId, finding, answer: answers.get(finding.id) }));
}

function findingItem(node: Extract<PipelineNode, { kind: 'finding' }>): TreeItem {
  const { finding, answer } = node;
  const label = finding.message.replaceAll('`', '');
  const item = new TreeItem(label);
  item.id = `${node.runId}/finding/${finding.id}`;
  item.description = [answer?.answer, `${finding.range.file}:${finding.range.startLine}`]
    .filter((part) => part !== undefined)
    .join(' · ');
  item.iconPath =
    answer === undefined
      ? themeIcon(SEVERITY_ICON[finding.severity])
      : new ThemeIcon(answer.answer === 'rejected' ? 'close' : 'check');
  item.tooltip = `${finding.message}\n${finding.severity} · ${finding.category} · ${finding.source} ${finding.rule}`;
  item.contextValue = `finding.${answer === undefined ? 'open' : 'answered'}`;
  item.accessibilityInformation = {
    label: `${label}, ${finding.severity}, ${answer?.answer ?? 'open'} finding`,
  };
  item.command = { command: 'sourcewright.revealFinding', title: 'Go to Finding', arguments: [node] };
  return item;
}

function stageTooltip({ view }: RunEntry, stage: StageView, now: number): MarkdownString {
  const text = new MarkdownString(`**${STAGE_LABEL[stage.stage]}** · ${stage.state}\n\n`);
  if (stage.state === 'waiting' && view.gate !== null) {
    text.appendText(`${GATES[view.gate].question}. ${GATES[view.gate].next}\n\n`);
  }
  if (stage.note !== '') text.appendText(`${stage.note}\n\n`);
  if (stage.state === 'paused' && view.pause !== null) {
    text.appendText(`${view.pause.message} ${view.pause.cure}\n\n`);
  }
  if (stage.state === 'failed' && view.error !== null) {
    text.appendText(`${view.error.message} ${view.error.cure ?? ''}\n\n`);
  }
  const time = elapsed(stage, now);
  text.appendMarkdown(
    [
      stage.mode === null ? '' : `Mode ${stage.mode}`,
      stage.attempt === 0 ? '' : `attempt ${stage.attempt}`,
      time === null ? '' : duration(time),
      `cost ${cost(stage.usage.usd)}`,
      stage.usage.inputTokens + stage.usage.outputTokens === 0
        ? ''
        : `${stage.usage.inputTokens} tokens in, ${stage.usage.outputTokens} out`,
    ]
      .filter((part) => part !== '')
      .join(' · '),
  );
  return text;
}
