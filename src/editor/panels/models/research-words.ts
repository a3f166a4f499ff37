/** Words of the research panel for facts, sources and the standing of a run. */
import type { Evidence, Fact } from '../../../blueprint/schema.ts';
import type { RunView } from '../../../pipeline/contracts.ts';
import type { Source } from '../../../webview/research/contract.ts';
import { isFinal, STAGE_LABEL } from '../../present.ts';

export const FACT_LABELS: Readonly<Record<Fact['fact'], string>> = {
  auth: 'Sign-in',
  base_url: 'Base URL',
  rate_limit: 'Rate limit',
  stream: 'Stream',
  record_path: 'Rows at',
  primary_key: 'Key',
  paging: 'Paging',
  parent: 'Parent',
  incremental: 'Incremental by',
  schema: 'Schema',
  operation: 'Operation',
};

const FROM: Readonly<Record<Evidence['source'], string>> = {
  description: 'Description',
  probe: 'Seen at the API',
  docs: 'Documentation',
  person: 'You',
  model: 'A model',
  default: 'Assumed: nothing says so',
};

const LONGEST_QUOTE = 300;

export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** @param isFile whether the description is a file that can be opened here */
export function sourceOf(evidence: Evidence, isFile: boolean): Source {
  const { source, document, pointer, quote } = evidence;
  const url = document !== undefined && /^https:\/\/[^\s"'<>]+$/i.test(document) ? cut(document, 500) : null;
  const opens = source === 'description' && isFile && url === null && pointer !== undefined;
  const named = [document, pointer].filter((part) => part !== undefined).join('#');
  return {
    from: FROM[source],
    place: opens ? { document: document ?? null, pointer } : null,
    named: opens || named === '' || named === url ? null : cut(named, 500),
    url,
    quote: quote === undefined || quote === '' ? null : cut(quote, LONGEST_QUOTE),
  };
}

/** Whether answers can be given: at the gate only. */
export function canAnswer({ status, gate }: Pick<RunView, 'status' | 'gate'>): boolean {
  return status === 'waiting' && gate === 'research';
}

/** Where the research stands, as a sentence or two. */
export function standingOf(view: RunView, hasBrief: boolean): string {
  if (canAnswer(view)) return 'The research waits for your decision.';
  const research = view.stages.find(({ stage }) => stage === 'research');
  if (view.status === 'running' && research?.state === 'running') {
    return hasBrief
      ? 'Read only: the research is at work on the brief. What it had found before is shown until then.'
      : 'The research is at work. Its brief is shown here when it is there.';
  }
  if (view.status === 'paused' && research?.state === 'paused') return 'Read only: the research is paused.';
  if (isFinal(view.status)) return `Read only: the run is ${view.status}.`;
  const active = view.stages.find(({ state }) => state !== 'done' && state !== 'pending');
  const where = active === undefined ? '' : ` (now: ${STAGE_LABEL[active.stage]})`;
  return `Read only: the research was approved and the run went on${where}.`;
}
