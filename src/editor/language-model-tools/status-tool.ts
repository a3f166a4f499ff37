/** `sourcewright_status`: where a run stands, for a model. */
import type {
  LanguageModelTool,
  LanguageModelToolInvocationOptions,
  LanguageModelToolResult,
  PreparedToolInvocation,
} from 'vscode';
import type { RunService } from '../run-service.ts';
import { findEntry, told } from './for-model.ts';
import { t } from '../l10n.ts';

export class StatusTool implements LanguageModelTool<object> {
  readonly #runs: RunService;

  constructor(runs: RunService) {
    this.#runs = runs;
  }

  prepareInvocation(): PreparedToolInvocation {
    return { invocationMessage: t('Sourcewright: looking where the run stands') };
  }

  invoke({ input }: LanguageModelToolInvocationOptions<object>): Promise<LanguageModelToolResult> {
    return told(async () => {
      const { modelInputs, runWords } = await this.#runs.engine();
      const { run } = modelInputs.readRunInput(input, ['run']);
      const { view } = await findEntry(this.#runs, run);
      const others = this.#runs
        .entries()
        .flatMap((entry) => (entry.view.runId === view.runId ? [] : [entry.view]));
      const review = await this.#runs.review(view.runId);
      return `${runWords.runText(view, review)}${run === undefined ? runWords.otherRuns(others) : ''}`;
    });
  }
}
