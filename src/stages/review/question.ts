/** What the reviewer is told: the API, what is not template, what rules found, and what was said in earlier reviews. */
import { basename } from 'node:path';
import type { Given } from '../../agents/contracts.ts';
import type { Review, StageContext } from '../../pipeline/contracts.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { readBrief } from '../connector.ts';
import type { StageDependencies } from '../dependencies.ts';
import type { FindingDraft } from '../findings.ts';
import { differencesText, handWritten, nameOf } from '../hand-written.ts';
import { blueprintSummary, listed } from './blueprint-summary.ts';
import type { Gathered } from './gather.ts';
import { rejectedFindings } from './ledger.ts';
import { answerOf } from './verdict.ts';

const MAX_DIFF = 20_000;
const MAX_KNOWN = 40;
const MAX_MESSAGE = 200;

const isSource = (path: string): boolean => path.startsWith('src/');
/** Files beside the source that a review reads too. */
const isOther = (path: string): boolean => !isSource(path) && !path.startsWith('tests/fixtures/');

function short(message: string): string {
  return message.replace(/\s+/g, ' ').slice(0, MAX_MESSAGE);
}

const WEIGHT = { error: 0, warning: 1, info: 2 } as const;

function knownText(drafts: readonly FindingDraft[]): string {
  if (drafts.length === 0) return 'Nothing.';
  const ordered = [...drafts].sort((a, b) => WEIGHT[a.severity] - WEIGHT[b.severity]);
  const lines = ordered.map(
    (draft) =>
      `${draft.severity} ${draft.category} ${draft.rule} ${draft.file}:${draft.startLine}: ${short(draft.message)}`,
  );
  return listed(lines, MAX_KNOWN).join('\n');
}

/** The model's own findings of the last review and what became of them; rejections of earlier runs; old questions. */
async function beforeText(
  context: StageContext,
  prior: Review | undefined,
  questions: readonly string[],
): Promise<string | undefined> {
  const rejected = await rejectedFindings(context.request.workspace, basename(context.connectorDir));
  const last = (prior?.findings ?? []).filter(({ id, source }) => source === 'model' && !rejected.has(id));
  const lines = [
    ...last.map((finding) => {
      const answer = prior === undefined ? '' : answerOf(prior, finding);
      return `Found: ${finding.range.file}:${finding.range.startLine} (${finding.category}): ${short(finding.message)} → ${answer}`;
    }),
    ...[...rejected.values()]
      .filter(({ rule, message }) => rule.startsWith('agent-') && message !== undefined)
      .map(
        ({ rule, file, message, reason }) =>
          `Rejected by a person: ${file ?? ''} (${rule.replace('agent-', '')}): ${short(message ?? '')}${reason === undefined ? '' : ` Reason: ${short(reason)}`}`,
      ),
    ...questions.map((question) => `Asked, and researched again since: ${short(question)}`),
  ];
  return lines.length === 0 ? undefined : listed(lines, MAX_KNOWN).join('\n');
}

export async function reviewGiven(
  d: StageDependencies,
  context: StageContext,
  environment: PythonEnvironment,
  told: {
    readonly gathered: Gathered;
    readonly prior: Review | undefined;
    readonly questions: readonly string[];
  },
): Promise<Given[]> {
  const source = await handWritten(d, context, isSource);
  const others = (await handWritten(d, context, isOther)).map(nameOf);
  const shown =
    source.length === 0
      ? 'Nothing: all of it is as compiled from the tested template.'
      : await differencesText(source, MAX_DIFF, context, environment);
  const before = await beforeText(context, told.prior, told.questions);
  const beside = others.length === 0 ? [] : ['', 'Not as compiled either:', ...listed(others, 30)];
  return [
    { title: 'The API and its connector', text: blueprintSummary(await readBrief(context)), stable: true },
    {
      title: 'How src/ differs from the compiled template',
      text: [shown, ...beside].join('\n'),
      stable: false,
    },
    {
      title: 'Found by rules, not to be repeated',
      text: knownText(told.gathered.drafts),
      stable: false,
    },
    ...(before === undefined ? [] : [{ title: 'Earlier reviews', text: before, stable: false }]),
  ];
}
