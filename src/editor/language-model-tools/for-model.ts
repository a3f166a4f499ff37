/** Results and errors in the form in which a model gets them. */
import { CancellationError, LanguageModelTextPart, LanguageModelToolResult } from 'vscode';
import { asSourcewrightError, SourcewrightError, type ErrorCode } from '../../errors.ts';
import { runName } from '../present.ts';
import type { RunEntry, RunService } from '../run-service.ts';

export function asResult(text: string): LanguageModelToolResult {
  return new LanguageModelToolResult([new LanguageModelTextPart(text)]);
}

/** What a model can do about an error, by its code; what it can't do is the person's. */
const NEXT: Record<ErrorCode, string> = {
  input: 'Correct the input, then call the tool again.',
  environment: 'Tell the person; a second call does not help before that is mended.',
  remote: 'Tell the person; one more try later may help.',
  credentials: 'Only the person can set a key: never ask for it in the chat.',
  budget: 'Only the person can raise the budget.',
  cancelled: 'Ask the person before you try again.',
  locked: 'Wait until the other work has ended; sourcewright_status tells.',
  corrupt: 'Tell the person; a second call does not help.',
  model: 'Tell the person.',
  internal: 'Tell the person; a second call does not help.',
};

/** Does a tool's work; what it throws is thrown again in words for the model. */
export async function told(work: () => Promise<string>): Promise<LanguageModelToolResult> {
  try {
    return asResult(await work());
  } catch (thrown) {
    if (thrown instanceof CancellationError) throw thrown;
    const error = asSourcewrightError(thrown);
    throw new Error(`${error.toText().replace('\n', ' ')} ${NEXT[error.code]}`, { cause: thrown });
  }
}

/**
 * The run that a model means: by its id or the beginning of it, by its connector's name, or the current one.
 * @throws SourcewrightError `input` with what there is instead
 */
export async function findEntry(runs: RunService, wanted: string | undefined): Promise<RunEntry> {
  if (runs.entries().length === 0) await runs.scan();
  const entries = runs.entries();
  const { view: current } = runs.current() ?? {};
  const name = wanted?.replace(/^source-/, '');
  const found =
    wanted === undefined || wanted === 'latest'
      ? entries.find(({ view }) => view.runId === current?.runId)
      : (entries.find(({ view }) => view.runId === wanted) ??
        entries.find(({ view }) => view.connectorName?.replace(/^source-/, '') === name) ??
        entries.find(({ view }) => view.runId.startsWith(wanted)));
  if (found !== undefined) return found;
  const known = entries.slice(0, 5).map(({ view }) => `${view.runId} (${runName(view)})`);
  throw new SourcewrightError(
    'input',
    known.length === 0 ? 'There are no runs in this workspace yet.' : `There is no run "${wanted ?? ''}".`,
    {
      cure: known.length === 0 ? 'sourcewright_generate starts one.' : `The newest are ${known.join(', ')}.`,
    },
  );
}
