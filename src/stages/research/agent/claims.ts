/**
 * A model's claims are hypotheses. Each goes through the same door as a person's correction, has to fit what is known to
 * exist and to rest on words that were really read; then it is a fact that nobody has confirmed. What fails is struck.
 */
import { z } from 'zod';
import { Evidence, type Blueprint, type Fact } from '../../../blueprint/schema.ts';
import { pagingText } from '../../../openapi/rules/questions.ts';
import { shorten } from '../../../openapi/rules/words.ts';
import { changeBlueprint, Correction } from '../corrections.ts';
import { ClaimFact, type Claim, type Struck } from './answer.ts';
import { contradiction, type Confinement } from './confine.ts';
import { PERSON } from './evidence.ts';

/** Nothing that a model says is as sure as what a rule has been measured on. */
const MOST_CONFIDENT = 0.7;

/** A claim that has held, as the next attempt gets to know it. */
export const Hypothesis = z.object({ correction: Correction, evidence: Evidence, confidence: z.number() });
export type Hypothesis = z.infer<typeof Hypothesis>;

export interface ClaimRules extends Confinement {
  readonly evidence: (source: Pick<Claim, 'url' | 'quote'>) => Evidence | string;
  /** What the person has corrected, by `keyOf`. */
  readonly settled: ReadonlySet<string>;
  /** Words of a person or a review: then also what the description says by itself may be claimed otherwise. */
  readonly asked: boolean;
}

export interface Judged {
  /** With all that held in it. */
  readonly blueprint: Blueprint;
  readonly held: readonly Hypothesis[];
  readonly struck: readonly Struck[];
}

export function keyOf({ stream, fact }: { stream: string | null; fact: string }): string {
  return `${stream ?? ''} ${fact}`;
}

/** `known` are those of earlier attempts; a new claim about the same takes their place. */
export function judgeClaims(
  base: Blueprint,
  known: readonly Hypothesis[],
  claims: readonly Claim[],
  rules: ClaimRules,
): Judged {
  const held = new Map<string, Hypothesis>();
  const struck: Struck[] = [];
  // The documents and the words that spoke for them then need not be here again.
  const trusting = { ...rules, allowsHttp: () => true, allowsParameter: () => !rules.described };
  let blueprint = base;
  for (const hypothesis of inOrder(known, ({ correction }) => correction.fact)) {
    const taken = takeOver(blueprint, hypothesis, trusting);
    if (typeof taken === 'string') struck.push({ claim: words(hypothesis.correction), because: taken });
    else {
      blueprint = taken;
      held.set(keyOf(hypothesis.correction), hypothesis);
    }
  }
  const made = new Set<string>();
  for (const claim of inOrder(claims, ({ fact }) => fact)) {
    const key = keyOf(claim);
    const judged = made.has(key)
      ? 'it was claimed twice; the first counts'
      : judge(blueprint, base, claim, rules);
    if (typeof judged === 'string') {
      struck.push({ claim: words(claim), because: judged });
      continue;
    }
    made.add(key);
    blueprint = judged.blueprint;
    held.set(key, judged.hypothesis);
  }
  return { blueprint, held: [...held.values()], struck };
}

/** The rows' place before what stands in them; the streams before what reads from them. */
function inOrder<T>(list: readonly T[], factOf: (one: T) => string): T[] {
  const order: readonly string[] = ClaimFact.options;
  return list.toSorted((a, b) => order.indexOf(factOf(a)) - order.indexOf(factOf(b)));
}

function judge(
  blueprint: Blueprint,
  base: Blueprint,
  claim: Claim,
  rules: ClaimRules,
): { blueprint: Blueprint; hypothesis: Hypothesis } | string {
  if (rules.settled.has(keyOf(claim))) return 'the person has corrected this';
  const value = valueOf(claim);
  if (value === undefined) return 'the value is not valid JSON';
  const evidence = rules.evidence(claim);
  if (typeof evidence === 'string') return evidence;
  const answered = unasked(base, claim, rules);
  if (answered !== undefined) return answered;
  const hypothesis = {
    correction: { stream: claim.stream, fact: claim.fact, value: value.json },
    evidence,
    confidence: Math.round(Math.min(MOST_CONFIDENT, Math.max(0, claim.confidence || 0)) * 100) / 100,
  };
  const taken = takeOver(blueprint, hypothesis, rules);
  return typeof taken === 'string' ? taken : { blueprint: taken, hypothesis };
}

/** Facts whose value may also be written without quotes. */
const PLAIN: ReadonlySet<string> = new Set(['base_url', 'record_path', 'primary_key']);

function valueOf({ fact, value }: Claim): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(value) as unknown };
  } catch {
    return PLAIN.has(fact) ? { json: value.trim() } : undefined;
  }
}

/** What the description says for sure is not a model's to change, unless someone asks. */
function unasked(base: Blueprint, claim: Claim, rules: ClaimRules): string | undefined {
  // A schema that lists fields stands against the claim itself.
  if (!rules.described || claim.fact === 'schema') return undefined;
  if (base.gaps.some((gap) => gap.stream === claim.stream && gap.fact === claim.fact)) return undefined;
  const connection = claim.fact === 'base_url' || claim.fact === 'auth';
  if (connection && claim.url !== PERSON) return 'the description answers this itself';
  const fact = base.facts.find((one) => one.subject === claim.stream && one.fact === claim.fact);
  if (rules.asked || fact === undefined) return undefined;
  return `the description answers this itself: ${shorten(fact.value, 80)}`;
}

/** The blueprint with one hypothesis in it, or why that can't be. The one given stays as it is. */
export function takeOver(
  blueprint: Blueprint,
  hypothesis: Hypothesis,
  confinement: Confinement,
): Blueprint | string {
  const { correction } = hypothesis;
  const trial = copyFor(blueprint, correction);
  let value: string;
  try {
    value = changeBlueprint(trial, correction, (message) => {
      throw new Refused(message);
    });
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
  const against = contradiction(blueprint, trial, correction, confinement);
  if (against !== undefined) return against;
  const paging = trial.streams.find((stream) => stream.name === correction.stream)?.paging;
  const isPaging = correction.fact === 'paging' && paging !== undefined;
  noteUnconfirmed(trial, hypothesis, shorten(isPaging ? pagingText(paging) : value, 240));
  trial.gaps = trial.gaps.filter((gap) => gap.stream !== correction.stream || gap.fact !== correction.fact);
  return trial;
}

class Refused extends Error {
  override readonly name = 'Refused';
}

/** A copy of those parts that a change touches: descriptions are large, and claims are many. */
function copyFor(blueprint: Blueprint, { stream: name }: Correction): Blueprint {
  const stream = blueprint.streams.find((one) => one.name === name);
  return {
    ...blueprint,
    auth: [...blueprint.auth],
    serverVariables: [...blueprint.serverVariables],
    rateLimit: { ...blueprint.rateLimit },
    streams: blueprint.streams.map((one) => (one === stream ? structuredClone(one) : one)),
    operations: blueprint.operations.map((one) => (one.path === stream?.path ? { ...one } : one)),
    facts: [...blueprint.facts],
  };
}

const REPLACED: ReadonlySet<Evidence['source']> = new Set(['docs', 'model', 'default']);

function noteUnconfirmed(blueprint: Blueprint, hypothesis: Hypothesis, value: string): void {
  const { correction, evidence, confidence } = hypothesis;
  const index = blueprint.facts.findIndex(
    (fact) => fact.subject === correction.stream && fact.fact === correction.fact,
  );
  const before = blueprint.facts[index];
  // Words that an earlier claim rested on say nothing about this one.
  const kept = before?.evidence.filter(({ source }) => !REPLACED.has(source)) ?? [];
  const fact: Fact = {
    subject: correction.stream,
    fact: correction.fact,
    value,
    confidence,
    rule: 'agent',
    evidence: [evidence, ...kept],
    status: 'unconfirmed',
  };
  if (before === undefined) blueprint.facts.push(fact);
  else blueprint.facts[index] = fact;
}

/** A claim as it is named to the model and to the person. */
function words({ stream, fact, value }: { stream: string | null; fact: string; value: unknown }): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `${stream ?? 'the API'}, ${fact.replace('_', ' ')}: ${shorten(text, 200)}`;
}
