/** The claims of a brief and its questions, each with what it rests on, its inputs and the person's draft. */
import type { Blueprint, Fact, FactName, Gap, Stream } from '../../../blueprint/schema.ts';
import { isUrl } from '../../../openapi/load.ts';
import { pagingText, rateLimitText } from '../../../openapi/rules/questions.ts';
import { type AnswerDraft, isAbout } from '../../../stages/research/answer-drafts.ts';
import { STRIKABLE } from '../../../stages/research/corrections.ts';
import type { Claim, Draft, Question, Source } from '../../../webview/research/contract.ts';
import { currentValue, fieldsOf, valueFrom } from './research-fields.ts';
import { formOf } from './research-forms.ts';
import { fits, type Tried } from './research-trial.ts';
import { cut, FACT_LABELS, sourceOf } from './research-words.ts';

const MOST_SOURCES = 4;
const LONGEST_VALUE = 240;
const MOST_OPTIONS = 12;
/** Facts of a stream that are shown even where nothing is known: so that they can be given. */
const ASKED: readonly FactName[] = ['primary_key', 'paging', 'incremental'];
const ORDER: readonly FactName[] = [
  'base_url',
  'auth',
  'rate_limit',
  'stream',
  'record_path',
  'primary_key',
  'paging',
  'incremental',
  'parent',
  'schema',
];

/** What the claims and questions are made from. */
export interface Material {
  readonly blueprint: Blueprint;
  readonly facts: ReadonlyMap<string | null, readonly Fact[]>;
  readonly tried: readonly Tried[];
}

/** Facts by what they are about. */
export function factsBySubject(blueprint: Blueprint): Map<string | null, Fact[]> {
  const facts = new Map<string | null, Fact[]>();
  for (const fact of blueprint.facts) {
    if (fact.fact === 'operation') continue;
    const about = facts.get(fact.subject);
    if (about === undefined) facts.set(fact.subject, [fact]);
    else about.push(fact);
  }
  return facts;
}

/** The claims about a stream, or about the API as a whole. */
export function claimsOf({ blueprint, facts, tried }: Material, stream: Stream | undefined): Claim[] {
  const name = stream?.name ?? null;
  const known = facts.get(name) ?? [];
  const missing = (stream === undefined ? [] : ASKED).filter(
    (one) => !known.some(({ fact }) => fact === one),
  );
  return [
    ...known.map((fact) =>
      claimOf(blueprint, stream, fact, draftOf(tried, { stream: name, fact: fact.fact })),
    ),
    ...missing.map((fact) => unknownClaim(blueprint, stream, fact, draftOf(tried, { stream: name, fact }))),
  ].sort((a, b) => ORDER.indexOf(a.fact) - ORDER.indexOf(b.fact));
}

function claimOf(blueprint: Blueprint, stream: Stream | undefined, fact: Fact, draft: Draft | null): Claim {
  return {
    stream: fact.subject,
    fact: fact.fact,
    label: FACT_LABELS[fact.fact],
    value: cut(valueText(blueprint, stream, fact), LONGEST_VALUE),
    confidence: fact.confidence,
    status: fact.status,
    rule: cut(fact.rule, 80),
    sources: fact.evidence.slice(0, MOST_SOURCES).map((one) => sourceOf(one, hasFile(blueprint))),
    moreSources: Math.max(0, fact.evidence.length - MOST_SOURCES),
    canConfirm: fact.status === 'found' || fact.status === 'unconfirmed',
    canStrike: fact.status !== 'struck' && STRIKABLE.has(fact.fact) && !isEmpty(blueprint, stream, fact.fact),
    fields: formOf(blueprint, stream, fact.fact),
    draft,
  };
}

function unknownClaim(
  blueprint: Blueprint,
  stream: Stream | undefined,
  fact: FactName,
  draft: Draft | null,
): Claim {
  return {
    stream: stream?.name ?? null,
    fact,
    label: FACT_LABELS[fact],
    value: fact === 'incremental' ? 'nothing known: every read takes all rows' : 'nothing known',
    confidence: null,
    status: 'unknown',
    rule: '',
    sources: [],
    moreSources: 0,
    canConfirm: false,
    canStrike: false,
    fields: formOf(blueprint, stream, fact),
    draft,
  };
}

/** What is, in words; of what was struck, what it had said. */
function valueText(blueprint: Blueprint, stream: Stream | undefined, fact: Fact): string {
  if (fact.status === 'struck') return fact.value;
  if (fact.fact === 'paging' && stream !== undefined) return pagingText(stream.paging);
  if (fact.fact === 'rate_limit')
    return fact.status === 'found' ? fact.value : rateLimitText(blueprint.rateLimit);
  return fact.value;
}

/** Nothing is claimed that could be struck. */
function isEmpty(blueprint: Blueprint, stream: Stream | undefined, fact: FactName): boolean {
  switch (fact) {
    case 'rate_limit': {
      const { documents429: _, ...numbers } = blueprint.rateLimit;
      return Object.keys(numbers).length === 0;
    }
    case 'primary_key':
      return stream?.primaryKey.length === 0;
    case 'paging':
      return stream?.paging.kind === 'none';
    case 'parent':
      return stream?.parent === undefined;
    case 'incremental':
      return stream?.incremental === undefined;
    case 'stream':
      return stream?.selected === false;
    default:
      return false;
  }
}

export function hasFile({ source }: Blueprint): boolean {
  return source.format !== 'docs' && !isUrl(source.location);
}

export function draftOf(tried: readonly Tried[], about: Pick<AnswerDraft, 'stream' | 'fact'>): Draft | null {
  const found = tried.find(({ draft }) => isAbout(draft, about));
  if (found === undefined) return null;
  const { draft, words, problem } = found;
  return { kind: draft.kind, fields: draft.fields, words: cut(words, LONGEST_VALUE), problem };
}

/** A gap as a question. Options that no correction can take (values of a setting) are not offered. */
export function questionOf({ blueprint, tried }: Material, gap: Gap): Question {
  const { id, stream: name, fact } = gap;
  const stream = blueprint.streams.find((one) => one.name === name);
  const isAnswerable = name === null ? OF_THE_API.has(fact) : stream !== undefined;
  return {
    id,
    stream: name,
    fact,
    question: cut(gap.question, 600),
    assumed: cut(gap.assumed, 400),
    source: gap.pointer === undefined ? null : placeOf(blueprint, gap.pointer),
    options: isAnswerable ? optionsOf(blueprint, gap) : [],
    fields: isAnswerable ? formOf(blueprint, stream, fact) : [],
    canConfirm: isAnswerable && currentValue(blueprint, stream, fact) !== undefined,
    draft: draftOf(tried, { stream: name, fact }),
  };
}

const OF_THE_API: ReadonlySet<FactName> = new Set<FactName>(['auth', 'base_url', 'rate_limit']);

function placeOf(blueprint: Blueprint, pointer: string): Source {
  return sourceOf({ source: 'description', pointer }, hasFile(blueprint));
}

function optionsOf(blueprint: Blueprint, { stream, fact, options }: Gap): Question['options'] {
  if (fact === 'stream' || fact === 'operation') return [];
  return options.slice(0, MOST_OPTIONS).flatMap(({ label, value }) => {
    const fields = fieldsOf(fact, value);
    let given: unknown;
    try {
      given = valueFrom(fact, fields);
    } catch {
      return [];
    }
    return fits(blueprint, { stream, fact, value: given }) ? [{ label: cut(label, 160), fields }] : [];
  });
}
