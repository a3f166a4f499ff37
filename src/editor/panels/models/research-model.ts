/** What the research panel shows of a run: small also for an API of a thousand streams. */
import type { Blueprint, Gap } from '../../../blueprint/schema.ts';
import type { Brief, RunView } from '../../../pipeline/contracts.ts';
import { openDrafts, readDrafts } from '../../../stages/research/answer-drafts.ts';
import type { ResearchModel, StreamRow } from '../../../webview/research/contract.ts';
import { runName } from '../../present.ts';
import { readBrief, readGiven } from './research-brief.ts';
import { claimsOf, factsBySubject, type Material, questionOf } from './research-claims.ts';
import { notesOf } from './research-notes.ts';
import { type Trial, tryDrafts } from './research-trial.ts';
import { canAnswer, cut, standingOf } from './research-words.ts';

type BriefModel = NonNullable<ResearchModel['brief']>;

/** Streams whose claims are sent at a time. */
export const MOST_SHOWN = 20;
const SHOWN_AT_FIRST = 8;
const MOST_QUESTIONS = 40;
const MOST_PROBLEMS = 20;

/** The streams that a person looks at, by run: of the window, not of the run. */
const looked = new Map<string, readonly string[]>();

/** From now on the model of the run holds the claims of these streams. */
export function showStreams(runId: string, streams: readonly string[]): void {
  looked.set(runId, streams.slice(0, MOST_SHOWN));
}

/** Throws `corrupt` for a damaged brief. Damaged drafts are told in the model. */
export async function researchModel(view: RunView): Promise<ResearchModel> {
  const brief = await readBrief(view.runDir);
  const [{ drafts, damage }, given] = await Promise.all([readDrafts(view.runDir), readGiven(view.runDir)]);
  const open = openDrafts(drafts.drafts, given);
  const trial: Trial = brief === undefined ? { tried: [], problems: [] } : tryDrafts(brief.blueprint, open);
  const confirmations = trial.tried.filter(({ outcome }) => outcome === 'confirmed').length;
  return {
    title: runName(view),
    standing: standingOf(view, brief !== undefined),
    canAnswer: canAnswer(view) && brief !== undefined,
    brief: brief === undefined ? null : briefModel(brief, trial, looked.get(view.runId)),
    drafts: {
      changes: trial.tried.length - confirmations,
      confirmations,
      problems: trial.problems.slice(0, MOST_PROBLEMS),
      words: drafts.words,
      damage,
    },
  };
}

function briefModel(brief: Brief, { tried }: Trial, looksAt: readonly string[] | undefined): BriefModel {
  const { blueprint } = brief;
  const material: Material = { blueprint, facts: factsBySubject(blueprint), tried };
  const wanted = wantedStreams(tried);
  const { rows, reasons } = streamRows(material, wanted);
  const shown =
    looksAt ??
    rows
      .filter(({ selected }) => selected)
      .slice(0, SHOWN_AT_FIRST)
      .map(({ name }) => name);
  const names = new Set(rows.filter((row) => row.wanted ?? row.selected).map(({ name }) => name));
  const gaps = pressing(blueprint, names, shown);
  return {
    notes: notesOf(brief),
    claims: claimsOf(material, undefined),
    questions: gaps.slice(0, MOST_QUESTIONS).map((gap) => questionOf(material, gap)),
    moreQuestions: blueprint.gaps.length - Math.min(gaps.length, MOST_QUESTIONS),
    streams: rows,
    reasons,
    shown: shown.flatMap((name) => {
      const stream = blueprint.streams.find((one) => one.name === name);
      return stream === undefined ? [] : [{ stream: name, claims: claimsOf(material, stream) }];
    }),
  };
}

/** Questions about the API, then about the streams that are looked at, then about the others that are read. */
function pressing(blueprint: Blueprint, read: ReadonlySet<string>, shown: readonly string[]): Gap[] {
  const rank = ({ stream }: Gap): number => (stream === null ? 0 : shown.includes(stream) ? 1 : 2);
  return blueprint.gaps
    .filter(({ stream }) => stream === null || read.has(stream))
    .sort((a, b) => rank(a) - rank(b));
}

/** Whether a stream shall be read, where a draft says so. */
function wantedStreams(tried: Trial['tried']): Map<string, boolean> {
  return new Map(
    tried.flatMap(({ draft, problem }): [string, boolean][] => {
      if (draft.fact !== 'stream' || draft.stream === null || problem !== null || draft.kind === 'confirm')
        return [];
      return [[draft.stream, draft.kind === 'correct' && draft.value === true]];
    }),
  );
}

function streamRows(
  { blueprint, facts }: Material,
  wanted: ReadonlyMap<string, boolean>,
): Pick<BriefModel, 'reasons'> & { rows: StreamRow[] } {
  const reasons: string[] = [];
  const indexOf = (reason: string): number => {
    const at = reasons.indexOf(reason);
    return at >= 0 ? at : reasons.push(reason) - 1;
  };
  const gaps = counted(blueprint.gaps.map(({ stream }) => stream));
  const children = new Map<string, string[]>();
  for (const { name, parent } of blueprint.streams) {
    if (parent === undefined) continue;
    children.set(parent.stream, [...(children.get(parent.stream) ?? []), name]);
  }
  const isRead = new Map(
    blueprint.streams.map(({ name, selected }): [string, boolean] => [name, wanted.get(name) ?? selected]),
  );
  const rows = blueprint.streams.map((stream): StreamRow => {
    const { name, method, path, selected, omittedBecause } = stream;
    const unconfirmed = facts.get(name)?.filter(({ status }) => status === 'unconfirmed').length ?? 0;
    return {
      name,
      request: cut(`${method} ${path}`, 160),
      selected,
      wanted: wanted.get(name) ?? null,
      reason: selected ? null : indexOf(cut(omittedBecause ?? 'not selected', 200)),
      open: (gaps.get(name) ?? 0) + unconfirmed,
      neededBy: (children.get(name) ?? []).filter((child) => isRead.get(child) === true).slice(0, 5),
    };
  });
  return { rows, reasons };
}

function counted(names: readonly (string | null)[]): Map<string | null, number> {
  const counts = new Map<string | null, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
