/**
 * Replays a recorded run: the models' answers come from its transcripts, in the same places, with no key and no network. A
 * request that differs from the recorded one ends the replay: what would come then is not what happened.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import type { StageName, Usage } from '../pipeline/contracts.ts';
import {
  readTranscript,
  type Recorded,
  type RequestHashes,
  transcriptPath,
  type TranscriptEntry,
} from './transcript.ts';

export const INPUTS = 'inputs';

export class Replay {
  readonly #folder: string;
  readonly #transcripts = new Map<string, readonly TranscriptEntry[]>();
  #turn: Recorded<'turn'> | Recorded<'lost'> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads the recorded conversation of an attempt. @throws SourcewrightError `input` when there is none */
  async load(stage: StageName, attempt: number): Promise<void> {
    const path = transcriptPath(this.#folder, stage, attempt);
    const entries = await readTranscript(path);
    if (entries === undefined) {
      throw left(`the recording has no conversation for ${stage}, attempt ${attempt}`, path);
    }
    this.#transcripts.set(`${stage}/${attempt}`, entries);
  }

  /** The model that answered in the recording. */
  model(stage: StageName, attempt: number): string | undefined {
    return this.#entries(stage, attempt).find((entry) => entry.type === 'asked')?.model;
  }

  /** Names the turn that is asked for next. @throws SourcewrightError `input` when the request is not the recorded one */
  expect(stage: StageName, attempt: number, turn: number, hashes: RequestHashes): void {
    const entries = this.#entries(stage, attempt);
    const place = `${stage}, attempt ${attempt}, turn ${turn}`;
    const whole = entries.find(
      (entry): entry is Taken<'turn'> => entry.type === 'turn' && entry.turn === turn,
    );
    this.#turn = whole ?? entries.find((entry): entry is Taken<'lost'> => isEnd(entry, turn));
    if (this.#turn === undefined) throw left(`the recording ends before ${place}`, this.#folder);
    const asked = entries.findLast((entry) => entry.type === 'asked' && entry.turn === turn);
    const difference = asked?.type === 'asked' ? differenceOf(asked.hashes, hashes) : undefined;
    if (difference !== undefined)
      throw left(`${difference} is not as it was recorded (${place})`, this.#folder);
  }

  /** What the expected turn cost when it was recorded. */
  usage(): Usage | undefined {
    return this.#turn?.usage;
  }

  /** Whether a credential was taken out of what the model said in the expected turn. */
  redacted(): boolean {
    return this.#turn?.type === 'turn' && this.#turn.redacted === true;
  }

  /** What a tool that reaches outside answered. */
  answer(stage: StageName, attempt: number, id: string): Recorded<'answer'> | undefined {
    return this.#entries(stage, attempt).find(
      (entry): entry is Recorded<'answer'> & { readonly at: string } =>
        entry.type === 'answer' && entry.id === id,
    );
  }

  /** Something from outside that the run was given. @throws SourcewrightError `input` when it was not kept */
  async input(name: string): Promise<string> {
    const path = join(this.#folder, INPUTS, name);
    try {
      return await readFile(path, 'utf8');
    } catch (cause) {
      throw left(`the recording lacks ${INPUTS}/${name}`, path, cause);
    }
  }

  /** Stands for the network: answers with the expected turn as the API streams it. */
  readonly fetch = (): Promise<Response> => {
    const turn = this.#turn;
    if (turn === undefined) return Promise.resolve(new Response('nothing was asked', { status: 500 }));
    const body = streamOf(turn);
    return Promise.resolve(
      new Response(body, { status: 200, headers: { 'content-type': 'text/event-stream' } }),
    );
  };

  #entries(stage: StageName, attempt: number): readonly TranscriptEntry[] {
    return this.#transcripts.get(`${stage}/${attempt}`) ?? [];
  }
}

type Taken<T extends 'turn' | 'lost'> = Recorded<T> & { readonly at: string };

/** An answer that came whole and could not be used: cut at its length, declined. */
function isEnd(entry: TranscriptEntry, turn: number): entry is Taken<'lost'> {
  return entry.type === 'lost' && entry.turn === turn && entry.stopReason !== null;
}

function left(what: string, where: string, cause?: unknown): SourcewrightError {
  return new SourcewrightError('input', `The replay has left the recorded path: ${what}.`, {
    where,
    cure:
      'Replay with the version of Sourcewright, the Python packages and the decisions that the recording was made with. ' +
      'Its transcripts can be read all the same: `sourcewright show`.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function differenceOf(recorded: RequestHashes, now: RequestHashes): string | undefined {
  if (recorded.system !== now.system) return 'the prompt';
  if (recorded.tools !== now.tools) return 'the list of tools';
  const length = Math.max(recorded.messages.length, now.messages.length);
  for (let index = 0; index < length; index += 1) {
    if (recorded.messages[index] !== now.messages[index]) {
      return index === 0 ? 'what the agent was given' : `message ${index + 1} of the conversation`;
    }
  }
  return undefined;
}

/** The recorded answer in the form of the API's events. */
function streamOf(turn: Recorded<'turn'> | Recorded<'lost'>): string {
  const content = turn.type === 'turn' ? turn.content : [];
  const usage = { input_tokens: 0, output_tokens: 0 };
  const events: object[] = [
    {
      type: 'message_start',
      message: {
        id: `msg_replayed_${turn.turn}`,
        type: 'message',
        role: 'assistant',
        model: turn.type === 'turn' ? turn.model : 'replayed',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage,
      },
    },
    ...content.flatMap(blockEvents),
    { type: 'message_delta', delta: { stop_reason: turn.stopReason, stop_sequence: null }, usage },
    { type: 'message_stop' },
  ];
  return events
    .map((event) => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('');
}

function blockEvents(
  block: { readonly [key: string]: unknown; readonly type: string },
  index: number,
): object[] {
  const start = (content_block: object): object => ({ type: 'content_block_start', index, content_block });
  const delta = (change: object): object => ({ type: 'content_block_delta', index, delta: change });
  const stop = { type: 'content_block_stop', index };
  if (block.type === 'text') {
    return [start({ ...block, text: '' }), delta({ type: 'text_delta', text: block['text'] }), stop];
  }
  if (block.type === 'tool_use') {
    const json = JSON.stringify(block['input']);
    return [start({ ...block, input: {} }), delta({ type: 'input_json_delta', partial_json: json }), stop];
  }
  return [start(block), stop];
}
