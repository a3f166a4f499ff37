/**
 * What whole runs of the agents send to the model, by stage, and what they would send without starting from the blueprint.
 *
 *   npm run bench:agents [-- harbour|sample|repaired …] [--json]
 *
 * The runs are real (pipeline, stages, Python, git), and so are their requests; a server on this machine answers them and
 * counts. What the agents say is scripted, so numbers of turns, reads and output are this bench's own choice; what stands in
 * the prompts is not.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { compileConnector, type CompiledFile } from '../../src/blueprint/compiler/compile.ts';
import { PRICES_AS_OF } from '../../src/agents/cost/prices.ts';
import { Brief, type PipelineRun, StageName, type Usage } from '../../src/pipeline/contracts.ts';
import { researchDescription } from '../../src/openapi/research.ts';
import { openQuestions } from '../../src/stages/research/agent/described-text.ts';
import { HAPPY } from '../agents/pipeline/harbour.ts';
import {
  ALL_AUTO,
  type Conversations,
  drive,
  pipelineWorld,
  type PipelineWorld,
  why,
} from '../agents/pipeline/support.ts';
import { asReply, numbered } from '../agents/loopback/replies.ts';
import { received } from '../agents/loopback/received.ts';
import { tokensOf } from '../agents/loopback/prompt.ts';
import type { MessageBody } from '../agents/loopback/request-body.ts';
import {
  type Conversation,
  conversationsOf,
  dollars,
  number,
  percent,
  readLater,
  shapeOf,
  sum,
  table,
  times,
  wholeReads,
} from './agents-counts.ts';
import { firstMessages } from './agents-first.ts';
import { REPAIRED, SAMPLE } from './agents-scripts.ts';
import { without } from './agents-without.ts';

interface Case {
  readonly title: string;
  readonly description: string;
  readonly conversations: Conversations;
  /** A person who accepts all findings stands at the gate *review*. */
  readonly accepts?: boolean;
  /** Measured without the blueprint as well. */
  readonly counterfactual: boolean;
}

const root = join(import.meta.dirname, '../..');
const templateDir = join(root, 'src/blueprint/template');
const HARBOUR = join(root, 'test/agents/pipeline/fixtures/harbour.openapi.yaml');
const PAGERDUTY = join(root, 'sample/pagerduty.openapi.yaml');

const CASES: Readonly<Record<string, Case>> = {
  harbour: {
    title: 'The harbour of the tests, all goes well',
    description: HARBOUR,
    conversations: HAPPY,
    counterfactual: true,
  },
  sample: {
    title: 'The bundled sample with all its streams, all goes well',
    description: PAGERDUTY,
    conversations: SAMPLE,
    counterfactual: true,
  },
  repaired: {
    title: 'The harbour, with a fix of the code and an improvement after review',
    description: HARBOUR,
    conversations: REPAIRED,
    accepts: true,
    counterfactual: false,
  },
};

interface Measured {
  readonly name: string;
  readonly streams: number;
  readonly gaps: number;
  readonly real: readonly Conversation[];
  /** The description in the first message, and the agent writes what is particular to this API. */
  readonly templated?: readonly Conversation[];
  /** As before, and it writes what is the same for every API as well. */
  readonly bare?: readonly Conversation[];
}

async function acceptAll(run: PipelineRun): Promise<void> {
  for (const { id, severity } of (await run.findings())?.findings ?? []) {
    if (severity !== 'info') await run.answer({ finding: id, answer: 'accepted' });
  }
}

async function measure(name: string, one: Case): Promise<Measured> {
  const w = await pipelineWorld(one.conversations);
  try {
    const source = { kind: 'description', location: one.description } as const;
    const gates = one.accepts === true ? { ...ALL_AUTO, review: 'ask' as const } : ALL_AUTO;
    const view = await drive(
      await w.start({ source, gates }),
      {},
      one.accepts === true ? acceptAll : undefined,
    );
    if (view.status !== 'published' || w.scripts.missing.length > 0) {
      throw new Error(`The run "${name}" did not end well: ${w.scripts.missing.join()} ${await why(view)}`);
    }
    const real = conversationsOf(w.server.messageRequests);
    const brief = Brief.parse(JSON.parse(await readFile(join(view.runDir, 'brief.json'), 'utf8')));
    const before = await researchDescription(one.description, {});
    const counts = {
      name,
      streams: brief.blueprint.streams.filter((stream) => stream.selected).length,
      gaps: openQuestions(before).length,
      real,
    };
    return one.counterfactual ? { ...counts, ...(await counterfactuals(w, one, brief, real)) } : counts;
  } finally {
    await w.close();
  }
}

/** Files with the same content for two APIs that have nothing in common come from the template as they are. */
async function templateFiles(): Promise<ReadonlySet<string>> {
  const compiled = [];
  for (const path of [HARBOUR, PAGERDUTY]) {
    const files = compileConnector(await researchDescription(path, {}), { templateDir });
    compiled.push(new Map(files.map((file) => [file.path, file.content])));
  }
  const [one, other] = compiled;
  return new Set([...(one ?? [])].filter(([path, text]) => other?.get(path) === text).map(([path]) => path));
}

async function counterfactuals(
  w: PipelineWorld,
  { description: path }: Case,
  { blueprint }: Brief,
  real: readonly Conversation[],
): Promise<Pick<Measured, 'templated' | 'bare'>> {
  const description = readFileSync(path, 'utf8');
  const template = await templateFiles();
  const files = compileConnector(blueprint, { templateDir });
  const code = files.filter((file) => file.path.startsWith('src/'));
  const tests = files.filter((file) => /^tests\/(?!fixtures\/).*\.py$/.test(file.path));
  const own = (list: readonly CompiledFile[]): CompiledFile[] =>
    list.filter((one) => !template.has(one.path));
  const lastReply = (body: MessageBody) => {
    const request = received(0, {}, body);
    return numbered(asReply(w.scripts.script(request)).blocks, request);
  };
  const common = { description, blueprint, lastReply };
  return {
    templated: await without(real, { ...common, written: { generate: own(code), test: own(tests) } }),
    bare: await without(real, { ...common, written: { generate: code, test: tests } }),
  };
}

const stageOf = (list: readonly Conversation[], stage: StageName): Conversation[] =>
  list.filter((one) => one.stage === stage);

function usageCells({
  requests,
  inputTokens,
  cacheReadTokens,
  cacheWriteTokens,
  outputTokens,
  usd,
}: Usage): string[] {
  return [
    ...[requests, inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens].map(number),
    dollars(usd),
  ];
}

function realTable(real: readonly Conversation[]): string {
  const rows = [...StageName.options, 'whole run'].map((name) => {
    const stage = StageName.safeParse(name);
    const part = stage.success ? stageOf(real, stage.data) : real;
    return [name, ...usageCells(sum(part)), percent(readLater(part))];
  });
  return table(['stage', 'requests', 'input', 'read', 'written', 'output', 'dollars', 'read later'], rows);
}

function shapeTable(real: readonly Conversation[]): string {
  const rows = real.map((conversation) => {
    const { first, growth } = shapeOf(conversation);
    const read = conversation.turns[0]?.usage.cacheReadTokens ?? 0;
    const schema = tokensOf(conversation.turns[0]?.body['output_config'] ?? '');
    return [conversation.prompt, ...[conversation.turns.length, first, read, growth, schema].map(number)];
  });
  return table(['conversation', 'turns', 'first request', 'of it read', 'growth a turn', 'schema'], rows);
}

function ratioTable({ real, templated = [], bare = [] }: Measured): string {
  const rows = [...StageName.options, 'whole run'].map((name) => {
    const stage = StageName.safeParse(name);
    const [a, b, c] = [real, templated, bare].map((list) =>
      sum(stage.success ? stageOf(list, stage.data) : list),
    );
    if (a === undefined || b === undefined || c === undefined) return [name];
    return [
      name,
      ...[a.inputTokens, b.inputTokens].map(number),
      times(a.inputTokens, b.inputTokens),
      number(c.inputTokens),
      times(a.inputTokens, c.inputTokens),
      ...[a.outputTokens, b.outputTokens, c.outputTokens].map(number),
      ...[a.usd, b.usd, c.usd].map(dollars),
      times(a.usd, c.usd),
    ];
  });
  const head = ['stage', 'in with', 'in A', 'A/with', 'in B', 'B/with', 'out with', 'out A', 'out B'];
  return table([...head, '$ with', '$ A', '$ B', '$ B/with'], rows);
}

const PREFACE = `Scripted: every word that an agent says in these runs was written for the bench, and so were the numbers of turns, what is
read and how long answers are. Measured: what stands in the requests, as a server on this machine counts it (characters of
the JSON / 4; no tokenizer of a model), and what of it the prompt cache gives, by the API's rules but without its clock.
Pages that web_fetch brings count as output there; the schema of the result does not count as input there, and is given
beside. Dollars: built-in prices of ${PRICES_AS_OF}.
"read later": of the input of second and later turns of each conversation, the part read from the cache.`;

const FIRST = `
## First messages for descriptions of other sizes
Counted, not sent: what rules make of a description for research, and for each of the other stages (there before research has
answered anything), beside the description itself. "less by": how many times as long the description is.
`;

const WITHOUT = `Without starting from the blueprint (computed: the same conversations, rewritten, but really sent to such a server and counted
by it). In both, every first message holds the whole description instead of what rules made of it, and research answers
all streams in its own form for APIs without a description. A: the agents write the files that are particular to this API,
the rest comes from the template. B: they write all of src/ and tests/. Files are written in few turns (at most 16,000 tokens
and nine files each), at the first attempt and without a mistake; nothing is read besides; fixtures, metadata and documents
are not counted: both are the least that it would take.`;

function report(one: Measured): void {
  const { title, description } = CASES[one.name] ?? { title: one.name, description: '' };
  const tokens = tokensOf(description === '' ? '' : readFileSync(description, 'utf8'));
  console.log(`\n## ${title}`);
  console.log(
    `${basename(description)} (${number(tokens)} tokens), ${one.streams} streams, ${one.gaps} open questions\n`,
  );
  console.log(`${realTable(one.real)}\n`);
  console.log(shapeTable(one.real));
  const { whole, of } = wholeReads(one.real);
  console.log(`\n${whole} of ${of} later requests read the whole prompt before them from the cache.`);
  if (one.bare !== undefined) console.log(`\n${WITHOUT}\n\n${ratioTable(one)}`);
}

async function main(args: readonly string[]): Promise<number> {
  const named = args.filter((arg) => !arg.startsWith('--'));
  const unknown = named.filter((name) => !Object.hasOwn(CASES, name));
  if (unknown.length > 0) {
    console.error(`There is no case ${unknown.join(', ')}; there are ${Object.keys(CASES).join(', ')}.`);
    return 2;
  }
  const json = args.includes('--json');
  if (!json) console.log(PREFACE);
  const all = [];
  for (const [name, one] of Object.entries(CASES)) {
    if (named.length > 0 && !named.includes(name)) continue;
    console.error(`running ${name} …`);
    const measured = await measure(name, one);
    if (json) all.push(measured);
    else report(measured);
  }
  if (json) console.log(JSON.stringify(all));
  else if (named.length === 0) console.log(`${FIRST}\n${await firstMessages([HARBOUR, PAGERDUTY])}`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
