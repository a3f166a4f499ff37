/** One conversation of the research agent: what it is given, how its answer is checked, and what comes of it. */
import type { AgentPaused, AgentRuntime, Conversation } from '../../../agents/contracts.ts';
import { fetchDocumentTool } from '../../../agents/tools/fetch-document.ts';
import { z } from 'zod';
import type { Blueprint } from '../../../blueprint/schema.ts';
import { SourcewrightError } from '../../../errors.ts';
import { publicUrl } from '../../../openapi/http.ts';
import type { StageContext } from '../../../pipeline/contracts.ts';
import { sha256 } from '../../../workspace/files.ts';
import type { StageDependencies } from '../../dependencies.ts';
import type { Correction } from '../corrections.ts';
import { FillingAnswer, ResearchAnswer, wholeAnswer } from './answer.ts';
import { keyOf } from './claims.ts';
import type { DocsSource } from './docs-blueprint.ts';
import type { Library } from './evidence.ts';
import { researchGiven, type Situation } from './given.ts';
import { judgeAnswer, type Case, type Judgement } from './judgement.ts';
import type { AgentNotes } from './memory.ts';
import { notesOf } from './notes.ts';
import { lastDescription, libraryOf } from './seen.ts';
import { readFound } from './start.ts';
import { FILLING, FINDING, namedHosts, readDescriptionTool, webTools } from './tools.ts';

const FILLING_TURNS = 20;
const FINDING_TURNS = 40;

export interface InvestigationSetup {
  readonly context: StageContext;
  readonly dependencies: StageDependencies;
  readonly runtime: AgentRuntime;
  readonly domains: readonly string[];
  readonly situation: Situation;
  /** The description that rules found by themselves is not the agent's to choose. */
  readonly fixed: boolean;
  /** The description that an earlier attempt found. */
  readonly description: string | null;
  readonly corrections: readonly Correction[];
  readonly notes: AgentNotes | undefined;
}

/** What came of a conversation. */
export interface Found extends Judgement {
  readonly status: 'done';
  /** What the answer was built upon. */
  readonly base: Blueprint | undefined;
  /** Where the agent found that, if it did. */
  readonly description: string | null;
  readonly notes: AgentNotes;
}

export class Investigation {
  readonly #setup: InvestigationSetup;
  readonly #hosts: readonly string[];
  readonly #read = new Map<string, Promise<Blueprint>>();
  /** Bad claims are sent back once; after that they are struck. */
  #told = false;

  constructor(setup: InvestigationSetup) {
    this.#setup = setup;
    this.#hosts = namedHosts(setup.context);
  }

  async run(): Promise<Found | AgentPaused> {
    const { context, runtime, situation, domains, fixed } = this.#setup;
    const filling = situation.base !== undefined;
    const hosts = this.#hosts;
    const schema: z.ZodType<Parameters<typeof wholeAnswer>[0]> = fixed ? FillingAnswer : ResearchAnswer;
    const outcome = await runtime.run({
      context,
      stage: 'research',
      prompt: 'research',
      given: researchGiven(situation),
      tools: [
        ...(hosts.length === 0
          ? []
          : [fetchDocumentTool({ hosts, signal: context.signal, onDocument: () => undefined })]),
        ...(fixed ? [] : [readDescriptionTool({ hosts, domains, read: (url) => this.#description(url) })]),
      ],
      serverTools: webTools(filling ? FILLING : FINDING, domains),
      result: { name: 'research', schema },
      check: (answer, conversation) => this.#check(wholeAnswer(answer), conversation),
      maxTurns: filling ? FILLING_TURNS : FINDING_TURNS,
    });
    if (outcome.status === 'paused') return outcome;
    const { conversation } = outcome;
    const result = wholeAnswer(outcome.result);
    const { judgement, base, description, sources } = await this.#judge(result, conversation);
    const notes = notesOf(result, conversation.documents, sources, judgement.struck, this.#setup.notes);
    return { status: 'done', ...judgement, base, description, notes };
  }

  #description(url: string): Promise<Blueprint> {
    const { context, dependencies, runtime } = this.#setup;
    let reading = this.#read.get(url);
    if (reading === undefined) {
      reading = readFound(url, this.#hosts, context, dependencies, runtime);
      this.#read.set(url, reading);
    }
    return reading;
  }

  /** Reasons why an answer can't stand; only the first answer with any is sent back for them. */
  async #check(answer: ResearchAnswer, conversation: Conversation): Promise<string[]> {
    const { judgement } = await this.#judge(answer, conversation);
    const reasons = judgement.struck.map(({ claim, because }) => `${claim}: ${because}.`);
    if (judgement.blueprint === undefined) {
      reasons.push('No stream is left to build a connector from. If there is none, say so again and why.');
    }
    if (reasons.length === 0 || this.#told || !(await this.#isFirst(answer))) return [];
    this.#told = true;
    return reasons;
  }

  /** Kept with the run: a resumed conversation does not begin to count anew. */
  async #isFirst(answer: ResearchAnswer): Promise<boolean> {
    const { context, runtime } = this.#setup;
    const hash = sha256(JSON.stringify(answer));
    const first = await runtime.input(context, 'first answer sent back', z.string(), () =>
      Promise.resolve(hash),
    );
    return first === hash;
  }

  async #judge(
    answer: ResearchAnswer,
    { documents }: Conversation,
  ): Promise<{
    judgement: Judgement;
    base: Blueprint | undefined;
    description: string | null;
    sources: Library;
  }> {
    const { base, description } = await this.#baseFor(documents);
    const { words, from } = this.#setup.situation;
    const sources = libraryOf(documents, base, from === 'person' ? words : undefined);
    const judgement = await judgeAnswer(answer, caseOf(this.#setup, base, sources, documents));
    return { judgement, base, description, sources };
  }

  /** The description read last, else the one known before. */
  async #baseFor(
    documents: Conversation['documents'],
  ): Promise<{ base: Blueprint | undefined; description: string | null }> {
    const { situation, fixed, description } = this.#setup;
    const url = fixed ? undefined : lastDescription(documents);
    const before = { base: situation.base, description };
    if (url === undefined) return before;
    try {
      return { base: await this.#description(url), description: url };
    } catch (error) {
      // A page that only looks like an answer of our tool.
      if (error instanceof SourcewrightError && error.code !== 'cancelled') return before;
      throw error;
    }
  }
}

/** What an answer is judged by; without documents, what was known before is judged again. */
export function caseOf(
  setup: Pick<InvestigationSetup, 'context' | 'situation' | 'corrections' | 'notes'>,
  base: Blueprint | undefined,
  sources: Library,
  documents: Conversation['documents'],
): Case {
  const { context, situation, corrections, notes } = setup;
  return {
    base,
    known: situation.known,
    sources,
    hosts: new Set(namedHosts(context)),
    settled: new Set(corrections.map(keyOf)),
    asked: situation.words !== undefined,
    docs: docsSource(context, documents, notes),
  };
}

function docsSource(
  { request }: Pick<StageContext, 'request'>,
  documents: Conversation['documents'],
  notes: AgentNotes | undefined,
): DocsSource {
  const hashes = [
    ...documents.map(({ text }) => sha256(text)),
    ...(notes?.documents ?? []).map((one) => one.sha256),
  ];
  return {
    name: request.name,
    location: publicUrl(request.source.location),
    sha256: sha256([...new Set(hashes)].sort().join('\n')),
    bytes: documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
    wanted: request.streams,
  };
}
