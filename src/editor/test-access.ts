import type { LogOutputChannel } from 'vscode';
import type { ApiKey } from './agents/api-key.ts';
import type { FindingComments } from './findings/finding-comments.ts';
import type { Gates } from './gates.ts';
import type { GenerateTool } from './language-model-tools/generate-tool.ts';
import type { Panels } from './panels/panels.ts';
import type { PipelineTree } from './pipeline-tree.ts';
import type { RunService } from './run-service.ts';
import type { RunsTree } from './runs-tree.ts';
import type { TestExplorer } from './tests/test-explorer.ts';

/** What the suite inside the editor looks at; given to it alone. */
export interface TestAccess {
  readonly runs: RunService;
  readonly pipelineTree: PipelineTree;
  readonly runsTree: RunsTree;
  readonly gates: Gates;
  readonly findings: FindingComments;
  readonly panels: Panels;
  readonly testExplorer: TestExplorer;
  /** The tool as it is registered, but for how long it waits (milliseconds). */
  readonly generateTool: (waitMs?: number) => GenerateTool;
  readonly key: ApiKey;
  readonly log: LogOutputChannel;
  /** Milliseconds that `activate` took. */
  readonly activationMs: number;
}
