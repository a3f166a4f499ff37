/** What models in the editor's agent mode may do with Sourcewright. Names and schemas stand in package.json. */
import { lm, type Disposable } from 'vscode';
import type { RunService } from '../run-service.ts';
import { ExplainFindingTool } from './explain-finding-tool.ts';
import type { GenerateTool } from './generate-tool.ts';
import { StatusTool } from './status-tool.ts';

export function registerLanguageModelTools(runs: RunService, generateTool: GenerateTool): Disposable[] {
  return [
    lm.registerTool('sourcewright_generate', generateTool),
    lm.registerTool('sourcewright_status', new StatusTool(runs)),
    lm.registerTool('sourcewright_explainFinding', new ExplainFindingTool(runs)),
  ];
}
