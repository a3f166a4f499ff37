/** What models in the editor's agent mode may do with Sourcewright. Names and schemas stand in package.json. */
import { lm, type Disposable } from 'vscode';
import { ExplainFindingTool } from './explain-finding-tool.ts';
import { GenerateTool, type GenerateServices } from './generate-tool.ts';
import { StatusTool } from './status-tool.ts';

export function registerLanguageModelTools(services: GenerateServices): Disposable[] {
  return [
    lm.registerTool('sourcewright_generate', new GenerateTool(services)),
    lm.registerTool('sourcewright_status', new StatusTool(services.runs)),
    lm.registerTool('sourcewright_explainFinding', new ExplainFindingTool(services.runs)),
  ];
}
