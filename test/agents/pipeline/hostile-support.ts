/**
 * Agents that misbehave, in whole runs: the cases are data (who tries what, what comes of it) with a function that runs and
 * asserts. `table()` gives the rows that docs/agents.md shows.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { z } from 'zod';
import { readTranscripts } from '../../../src/agents/transcript-view.ts';
import { type Recorded, readTranscript, TRANSCRIPTS } from '../../../src/agents/transcript.ts';
import type { Finding, GateName, PipelineRun, RunView } from '../../../src/pipeline/contracts.ts';
import { type Blocks, type ReceivedMessageRequest, tool } from '../loopback/index.ts';
import { miniConnector } from '../../unit/stages/support/mini-connector.ts';
import { written } from './harbour.ts';
import {
  ALL_AUTO,
  type Conversations,
  pipelineWorld,
  type PipelineWorld,
  type ScriptedTurn,
  why,
} from './support.ts';
import { WELL_BEHAVED } from './tides.ts';

export interface HostileCase {
  /** Who does what, as a sentence without a subject's article: a row's first cell. */
  readonly tries: string;
  /** What comes of it, and how the run ends: a row's second cell. */
  readonly outcome: string;
  readonly run: (stage: Stage) => Promise<void>;
}

/** The rows of docs/agents.md: `| tries | outcome |`. */
export function table(cases: readonly HostileCase[]): string[] {
  return cases.map(({ tries, outcome }) => `| ${tries} | ${outcome} |`);
}

/** Gives a case its worlds and takes them away. */
export class Stage {
  readonly #closing: (() => Promise<void>)[] = [];
  readonly #worlds: PipelineWorld[] = [];

  /** @param changes files of the connector in miniature that are other than sound; null = there is none */
  async world(
    agents: Conversations,
    changes: Readonly<Record<string, string | null>> = {},
  ): Promise<PipelineWorld> {
    const world = await pipelineWorld({ ...WELL_BEHAVED, ...agents }, () => miniConnector(changes));
    this.#worlds.push(world);
    this.#closing.push(() => world.close());
    return world;
  }

  /** A page of a stranger's on 127.0.0.1. */
  async page(text: string): Promise<StrangersPage> {
    const page = await StrangersPage.start(text);
    this.#closing.push(() => page.close());
    return page;
  }

  /** No agent was asked for more than its script says. */
  assertScripted(): void {
    assert.deepEqual(
      this.#worlds.flatMap(({ scripts }) => scripts.missing),
      [],
    );
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }
}

/** `auto` but for these gates, where the run waits. */
export function askAt(...gates: GateName[]): { gates: Record<string, 'ask' | 'auto'> } {
  return { gates: { ...ALL_AUTO, ...Object.fromEntries(gates.map((gate) => [gate, 'ask' as const])) } };
}

/** Settles, and says why not when the run stands elsewhere than it should. */
export async function stands(run: PipelineRun, where: RunView['status'] | GateName): Promise<RunView> {
  const view = await run.settled();
  assert.equal(view.gate ?? view.status, where, await why(view));
  return view;
}

export async function pausedStuck(run: PipelineRun, message: RegExp): Promise<RunView> {
  const view = await stands(run, 'paused');
  assert.equal(view.pause?.cause, 'stuck');
  assert.match(view.pause.message, message);
  return view;
}

export async function artifact<T>(view: RunView, name: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(JSON.parse(await readFile(join(view.runDir, name), 'utf8')));
}

export function inConnector(view: RunView, path: string): Promise<string> {
  return readFile(join(view.connectorDir ?? '', path), 'utf8');
}

/** Lines of the transcripts as people see them, of one kind: `generate: write ../x`. */
export async function shown(view: RunView, kind: 'refused' | 'tool' | 'note'): Promise<string[]> {
  return (await readTranscripts(view.runDir)).flatMap(({ stage, entries }) =>
    entries.filter((entry) => entry.kind === kind).map(({ text }) => `${stage}: ${text}`),
  );
}

interface ToolAnswer extends Omit<Recorded<'answer'>, 'content'> {
  readonly content: string;
}

/** What tools answered to the agents, word by word. */
export async function answers(view: RunView): Promise<ToolAnswer[]> {
  const folder = join(view.runDir, TRANSCRIPTS);
  const found: ToolAnswer[] = [];
  for (const name of (await readdir(folder)).sort()) {
    for (const entry of (await readTranscript(join(folder, name))) ?? []) {
      if (entry.type !== 'answer') continue;
      const { content } = entry;
      found.push({ ...entry, content: typeof content === 'string' ? content : JSON.stringify(content) });
    }
  }
  return found;
}

/** Each file below a folder with its text, by relative path. */
export async function textsBelow(dir: string): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.push([path.slice(dir.length + 1), await readFile(path, 'utf8')]);
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

export function lineOf({ range, severity, rule }: Finding): string {
  return `${severity} ${rule} ${range.file}`;
}

export const read = (file_path: string): Blocks => tool('read', { file_path });
export const edit = (file_path: string, old_string: string, new_string: string): Blocks =>
  tool('edit', { file_path, old_string, new_string });
/** Says that all is done. */
export const claimDone: ScriptedTurn = (request: ReceivedMessageRequest) => written(request);

/** Serves one text at each path and notes who asked for what. */
export class StrangersPage {
  readonly url: string;
  readonly asked: { readonly path: string; readonly headers: string }[] = [];
  readonly #server: Server;

  private constructor(server: Server, text: string) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/docs`;
    server.on('request', (request, response) => {
      this.asked.push({ path: request.url ?? '', headers: JSON.stringify(request.headers) });
      const found = request.url === '/docs';
      response.writeHead(found ? 200 : 404, { 'content-type': 'text/html' }).end(found ? text : 'no');
    });
  }

  static async start(text: string): Promise<StrangersPage> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return new StrangersPage(server, text);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.#server.closeAllConnections();
    await closed;
  }
}
