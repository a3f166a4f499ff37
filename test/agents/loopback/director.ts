/**
 * Plays several scripted conversations at once. Which reply comes next is read from the request, never counted: a request
 * that is retried, or sent again by a program that was killed and resumed, gets the same reply again.
 */
import type { ReceivedMessageRequest, Script, Scripted } from './contracts.ts';
import { ScriptError } from './errors.ts';

/** What is said, or a function of the request that gives it. */
export type ScriptedTurn = Scripted | Script;

export interface DirectorOptions {
  /** The conversation that a request belongs to. */
  readonly conversationOf?: (request: ReceivedMessageRequest) => string | undefined;
}

export interface ScriptDirector extends Script {
  /** What was never asked for, such as `generate: reply 2`; counted from 1. */
  unused(): string[];
}

/** The word after the first `role:`, in the system prompt or else in what the user says. */
export function roleMarker(request: ReceivedMessageRequest): string | undefined {
  const marker = /\brole:\s*([\w-]+)/i;
  return (marker.exec(request.systemText) ?? marker.exec(request.userText))?.[1];
}

export function script(
  conversations: Readonly<Record<string, readonly ScriptedTurn[]>>,
  options: DirectorOptions = {},
): ScriptDirector {
  const conversationOf = options.conversationOf ?? roleMarker;
  const turns = new Map(Object.entries(conversations));
  const asked = new Set<string>();
  const nameOf = (conversation: string, position: number) => `${conversation}: reply ${position + 1}`;

  async function answer(request: ReceivedMessageRequest): Promise<Scripted> {
    const conversation = conversationOf(request);
    const known = [...turns.keys()].join(', ');
    if (conversation === undefined) {
      throw new ScriptError(`the request names no scripted conversation (there are: ${known})`);
    }
    const replies = turns.get(conversation);
    if (!replies)
      throw new ScriptError(`no conversation "${conversation}" is scripted (there are: ${known})`);
    const turn = replies[request.position];
    if (turn === undefined) {
      throw new ScriptError(
        `the conversation "${conversation}" asks for reply ${request.position + 1}, but ${replies.length} are scripted`,
      );
    }
    asked.add(nameOf(conversation, request.position));
    return typeof turn === 'function' ? await turn(request) : turn;
  }

  const unused = () =>
    [...turns].flatMap(([conversation, replies]) =>
      replies.map((_, position) => nameOf(conversation, position)).filter((name) => !asked.has(name)),
    );
  return Object.assign(answer, { unused });
}
