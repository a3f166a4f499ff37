import { join } from 'node:path';
import {
  EventEmitter,
  TreeItem,
  TreeItemCollapsibleState,
  type Disposable,
  type TreeDataProvider,
} from 'vscode';
import type { StageName, StageView } from '../pipeline/contracts.ts';
import { withIds } from './agents/feed.ts';
import { listTranscripts, transcriptOf } from './agents/transcripts.ts';
import { findingNodes, itemOf, stageTooltip, type PipelineNode } from './pipeline-nodes.ts';
import { GATES, pauseKind, STAGE_ICON, STAGE_LABEL, STAGE_STATE, stageDescription } from './present.ts';
import type { RunEntry, RunService } from './run-service.ts';
import { themeIcon } from './runs-tree.ts';
import { usageInWords } from './usage-words.ts';
import { t } from './l10n.ts';

/** Lines of an agent's feed under its stage: the newest, so that what lies below stays in sight. */
const FEED_LINES = 6;

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
    if (stage.state === 'running') {
      const feed = withIds(stage.activity).slice(-FEED_LINES);
      children.push(...feed.map((line) => ({ kind: 'activity' as const, ...of, ...line })));
    }
    if (view.engine === 'agents' && stage.attempt > 0) {
      const transcripts = (await listTranscripts(view.runDir)).filter((one) => one.stage === stage.stage);
      children.push(...transcripts.map((one) => ({ kind: 'transcript' as const, ...of, ...one })));
    }
    // What waits for an answer comes before what is there to read.
    if (stage.stage === 'review' && stage.artifacts.includes('review.json')) {
      const review = await this.#runs.review(view.runId).catch(() => undefined);
      if (review !== undefined) children.push(...findingNodes(view.runId, review));
    }
    // What is written for people comes before what is written for programs.
    const forPeople = (name: string): number => (name.endsWith('.md') ? 0 : 1);
    const artifacts = stage.artifacts.filter((name) => transcriptOf(name) === undefined);
    for (const name of artifacts.sort((a, b) => forPeople(a) - forPeople(b))) {
      children.push({ kind: 'artifact', ...of, path: join(view.runDir, name), label: name });
    }
    if (stage.stage === 'generate' && stage.state !== 'pending' && view.connectorDir !== null) {
      children.push({ kind: 'connector', runId: view.runId, path: view.connectorDir });
    }
    return children;
  }

  getTreeItem(node: PipelineNode): TreeItem {
    return node.kind === 'stage' ? this.#stageItem(node.runId, node.stage) : itemOf(node);
  }

  #stageItem(runId: string, name: StageName): TreeItem {
    const item = new TreeItem(t(STAGE_LABEL[name]), TreeItemCollapsibleState.None);
    const entry = this.#runs.entry(runId);
    const stage = entry === undefined ? undefined : stageOf(entry, name);
    if (entry === undefined || stage === undefined) return item;
    const now = Date.now();
    const waiting = stage.state === 'waiting' ? entry.view.gate : null;
    item.description = [waiting === null ? '' : t('waiting for you'), stageDescription(stage, now)]
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
      stage.state === 'paused' ? `pause-${pauseKind(entry.view)}` : '',
      entry.access === 'locked' ? 'locked' : 'ours',
      entry.view.status === 'running' ? 'busy' : 'idle',
    ]
      .filter((part) => part !== '')
      .join('.');
    const asked = waiting === null ? '' : `, ${t(GATES[waiting].question)}`;
    item.accessibilityInformation = {
      label: `${t(STAGE_LABEL[name])}: ${t(STAGE_STATE[stage.state])}${asked}. ${stageDescription(stage, now, usageInWords)}`,
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
