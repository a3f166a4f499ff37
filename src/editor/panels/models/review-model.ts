/** What the review panel shows of a run: its ledger and what was said, cut to what a page can hold. */
import { join } from 'node:path';
import { asSourcewrightError } from '../../../errors.ts';
import {
  type Finding,
  type FindingAnswer,
  type Remark,
  Review,
  type RunView,
} from '../../../pipeline/contracts.ts';
import { readRemarks } from '../../../pipeline/discussion.ts';
import { readJson } from '../../../pipeline/json-files.ts';
import { REVIEW_FILE } from '../../../pipeline/review-ledger.ts';
import { nodeFiles } from '../../../store/files.ts';
import type { Detail, FindingRow, ReviewModel } from '../../../webview/review/contract.ts';
import { ofKind } from '../../findings/kinds.ts';
import { diffLines } from '../../findings/suggestion-diff.ts';
import { GATES, runName, SEVERITY_RANK } from '../../present.ts';

/** The most findings that are listed. */
export const MAX_ROWS = 1000;
/** Characters of lines, suggestions and remarks in all; what is listed after them comes without. */
export const DETAIL_CHARACTERS = 150_000;
const MAX_MESSAGE = 400;
const MAX_PATH = 300;
const MAX_LINES = 40;
const MAX_LINE = 300;
const MAX_REMARKS = 20;
const MAX_KINDS = 30;

const EMPTY = {
  canAnswer: false,
  finish: null,
  open: { error: 0, warning: 0, info: 0 },
  answered: 0,
  findings: [],
  more: 0,
  kinds: [],
} as const;

/** Throws `corrupt` where the ledger is damaged; a damaged discussion is said, and the findings shown without it. */
export async function reviewModel(view: RunView): Promise<ReviewModel> {
  const review = await readJson(nodeFiles, join(view.runDir, REVIEW_FILE), Review);
  const title = runName(view);
  if (review === undefined) {
    const [findings, kinds] = [[], []];
    return { ...EMPTY, findings, kinds, title, state: 'The run has not been reviewed yet.', problem: '' };
  }
  const { remarks, problem } = await discussionOf(view.runDir);
  const answers = new Map(review.answers.map((answer) => [answer.finding, answer]));
  const isOpen = ({ id }: Finding): boolean => !answers.has(id);
  const ordered = [...review.findings].sort(
    (a, b) =>
      Number(isOpen(b)) - Number(isOpen(a)) ||
      SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity] ||
      a.range.file.localeCompare(b.range.file) ||
      a.range.startLine - b.range.startLine,
  );
  const open = ordered.filter(isOpen);
  const count = (severity: Finding['severity']): number =>
    open.filter((finding) => finding.severity === severity).length;
  const listed = ordered.slice(0, MAX_ROWS);
  return {
    title,
    ...stateOf(view),
    open: { error: count('error'), warning: count('warning'), info: count('info') },
    answered: ordered.length - open.length,
    findings: rows(listed, answers, remarks),
    more: ordered.length - listed.length,
    kinds: kindsOf(open),
    problem,
  };
}

async function discussionOf(runDir: string): Promise<{ remarks: readonly Remark[]; problem: string }> {
  try {
    return { remarks: await readRemarks(runDir, nodeFiles), problem: '' };
  } catch (thrown) {
    const { message, where, cure } = asSourcewrightError(thrown);
    const problem = `What was said about the findings can’t be shown. ${message} ${where ?? ''} ${cure ?? ''}`;
    return { remarks: [], problem: cut(problem.trim(), 1000) };
  }
}

function stateOf({ gate, status }: RunView): Pick<ReviewModel, 'state' | 'canAnswer' | 'finish'> {
  if (gate === 'review' || gate === 'draft') {
    const { question, approve, next } = GATES[gate];
    return { state: `${question}.`, canAnswer: true, finish: { label: approve, next } };
  }
  const state =
    status === 'running'
      ? 'The run is at work. These are the findings of its newest review.'
      : 'The run does not wait at its review: these findings can be read, not answered.';
  return { state, canAnswer: false, finish: null };
}

function rows(
  findings: readonly Finding[],
  answers: ReadonlyMap<string, FindingAnswer>,
  remarks: readonly Remark[],
): FindingRow[] {
  const said = new Map<string, Remark[]>();
  for (const remark of remarks) said.set(remark.finding, [...(said.get(remark.finding) ?? []), remark]);
  let left = DETAIL_CHARACTERS;
  return findings.map((finding) => {
    const { id, rule, source, severity, category, message, range, suggestion } = finding;
    const answer = answers.get(id);
    const detail = left > 0 ? detailOf(finding, said.get(id) ?? []) : null;
    left -= JSON.stringify(detail).length;
    return {
      id,
      rule: cut(rule, 100),
      source,
      severity,
      category,
      message: cut(message, MAX_MESSAGE),
      file: cut(range.file, MAX_PATH),
      line: range.startLine,
      answer:
        answer === undefined
          ? null
          : { answer: answer.answer, reason: cut(answer.reason ?? '', MAX_MESSAGE) },
      isExact: suggestion !== undefined,
      detail: left < 0 ? null : detail,
    };
  });
}

function detailOf({ excerpt, suggestion }: Finding, remarks: readonly Remark[]): Detail {
  const lines = suggestion === undefined ? [] : diffLines(suggestion.before, suggestion.after);
  return {
    excerpt: cutLines(excerpt.split('\n')).join('\n'),
    suggestion:
      suggestion === undefined
        ? null
        : {
            title: cut(suggestion.title, MAX_MESSAGE),
            lines: lines.slice(0, MAX_LINES).map(({ sign, text }) => ({ sign, text: cut(text, MAX_LINE) })),
          },
    remarks: remarks.slice(-MAX_REMARKS).map(({ by, text, at }) => ({ by, text, at })),
  };
}

/** Rules that several open findings share, the most frequent first. Notes count only where the rule gives nothing else. */
function kindsOf(open: readonly Finding[]): ReviewModel['kinds'] {
  const rules = new Set(open.map(({ rule }) => rule));
  return [...rules]
    .map((rule) => ({ rule, open: ofKind(open, rule).length }))
    .filter((kind) => kind.open > 1)
    .sort((a, b) => b.open - a.open)
    .slice(0, MAX_KINDS);
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters)}…`;
}

function cutLines(lines: readonly string[]): string[] {
  return lines.slice(0, MAX_LINES).map((line) => cut(line, MAX_LINE));
}
