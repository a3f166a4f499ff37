/** `sourcewright_explainFinding`: what a finding of the review is about, for a model. */
import type {
  LanguageModelTool,
  LanguageModelToolInvocationOptions,
  LanguageModelToolResult,
  PreparedToolInvocation,
} from 'vscode';
import { SourcewrightError } from '../../errors.ts';
import type { Finding, Review, RunView } from '../../pipeline/contracts.ts';
import type { RunService } from '../run-service.ts';
import { textOf } from '../findings/finding-texts.ts';
import { findEntry, told } from './for-model.ts';
import { t } from '../l10n.ts';

export class ExplainFindingTool implements LanguageModelTool<object> {
  readonly #runs: RunService;

  constructor(runs: RunService) {
    this.#runs = runs;
  }

  prepareInvocation(): PreparedToolInvocation {
    return { invocationMessage: t('Sourcewright: reading the review') };
  }

  invoke({ input }: LanguageModelToolInvocationOptions<object>): Promise<LanguageModelToolResult> {
    return told(async () => {
      const { modelInputs, runWords } = await this.#runs.engine();
      const { run, finding: wanted } = modelInputs.readRunInput(input, ['run', 'finding']);
      const { view } = await findEntry(this.#runs, run);
      const review = await this.#runs.review(view.runId);
      if (review === undefined) {
        throw new SourcewrightError('input', `Run ${view.runId} has not been reviewed yet.`, {
          cure: 'Findings are there once its stage Review is done; sourcewright_status tells.',
        });
      }
      if (wanted === undefined) return runWords.findingList(view, review);
      const finding = findingOf(review, wanted);
      const answer = review.answers.findLast((candidate) => candidate.finding === finding.id);
      return runWords.findingText(view, finding, { answer, file: await fileText(view, finding) });
    });
  }
}

/** By the id or a beginning of it that fits only one. */
function findingOf({ findings }: Review, wanted: string): Finding {
  const exact = findings.find(({ id }) => id === wanted);
  const [found, another] = exact === undefined ? findings.filter(({ id }) => id.startsWith(wanted)) : [exact];
  if (found !== undefined && another === undefined) return found;
  throw new SourcewrightError(
    'input',
    found === undefined ? `There is no finding "${wanted}".` : `"${wanted}" fits more than one finding.`,
    { cure: 'Call the tool without "finding" to get the list with all ids.' },
  );
}

async function fileText({ connectorDir }: RunView, { range }: Finding): Promise<string | undefined> {
  if (connectorDir === null) return undefined;
  return textOf(connectorDir, range.file);
}
