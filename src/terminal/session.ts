/** What every command of the program is given, and what commands share about runs. */
import { relative } from 'node:path';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { testKey } from '../agents/key.ts';
import type { readTranscripts } from '../agents/transcript-view.ts';
import { SourcewrightError } from '../errors.ts';
import type {
  IsolationPolicy,
  PipelineDependencies,
  ProbeCredentials,
  RunView,
} from '../pipeline/contracts.ts';
import type { AgentChoice } from './agent-options.ts';
import type { Interrupts } from './drive.ts';
import type { Progress } from './progress.ts';
import { harmless, painter, type Terminal } from './terminal.ts';

export interface PipelineSetting {
  /** Receives what the programs that we run print. */
  readonly output: (text: string) => void;
  /** Tells the person something in a line, also without `verbose`. */
  readonly tell: (line: string) => void;
  readonly credentials?: ProbeCredentials;
  readonly agents?: AgentChoice;
  /** How foreign code is confined; absent = `auto`. */
  readonly isolation?: IsolationPolicy | undefined;
  readonly verbose: boolean;
}

/** What a command sets the pipeline up with, where all that is printed goes through its progress. */
export function pipelineSetting(
  progress: Progress,
  given: {
    readonly verbose: boolean | undefined;
    readonly credentials?: ProbeCredentials | undefined;
    readonly agents?: AgentChoice | undefined;
  },
): PipelineSetting {
  const { verbose = false, credentials, agents } = given;
  return {
    output: (text) => {
      progress.output(text);
    },
    tell: (line) => {
      progress.line(harmless(line));
    },
    verbose,
    ...(credentials !== undefined && { credentials }),
    ...(agents !== undefined && { agents }),
  };
}

export interface Session {
  readonly terminal: Terminal;
  readonly interrupts: Interrupts;
  readonly version: string;
  /** How the person calls this program: `sourcewright`, or `npm run sourcewright --` in a checkout. */
  readonly command: string;
  /** Path of the built worker that reads descriptions off the main thread. */
  readonly descriptionWorker?: string;
  /** Composes the stages; the composition root knows how. */
  readonly pipeline: (setting: PipelineSetting) => PipelineDependencies;
  readonly agents: AgentFunctions;
}

/** From the composition root, which loads the agents, and with them what talks to the API, at the first call. */
export interface AgentFunctions {
  readonly testKey: typeof testKey;
  readonly readTranscripts: typeof readTranscripts;
}

export interface WorkspaceOptions {
  readonly workspace?: string;
}

/** The absolute workspace. @throws SourcewrightError `input` when it is not a folder. */
export async function workspaceOf(session: Session, options: WorkspaceOptions): Promise<string> {
  const path = resolve(session.terminal.cwd, options.workspace ?? '.');
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return path;
  throw new SourcewrightError('input', 'The workspace is not a folder.', { where: path });
}

/** A command line to copy that does something with a run. */
export function commandFor(session: Session, view: RunView, words: string): string {
  const elsewhere = view.workspace === session.terminal.cwd ? '' : ` --workspace ${quoted(view.workspace)}`;
  return `${session.command} ${words}${elsewhere}`;
}

/** A command line that replays a recorded run, in a workspace that it has for itself. */
export function replayCommand(session: Session, recorded: { readonly folder: string }): string {
  return `${session.command} replay ${quoted(shown(session, recorded.folder))} --workspace DIR`;
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A path as short as it can be shown from where the person is. */
export function shown(session: Session, path: string): string {
  const short = relative(session.terminal.cwd, path);
  return short !== '' && !short.startsWith('..') ? short : path;
}

/** Prints the one object of `--json`. What a terminal would act on is escaped, as the rest of JSON's strings is. */
export function printJson(terminal: Terminal, value: unknown): void {
  const json = JSON.stringify(value, null, 2).replace(
    /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
  terminal.stdout.write(`${json}\n`);
}

/** An error for the person, on stderr. */
export function printError(terminal: Terminal, error: SourcewrightError): void {
  const [head, ...rest] = error.toText().split('\n');
  const paint = painter(terminal.colour);
  terminal.stderr.write(`${paint('red', 'error:')} ${harmless(head ?? '')}\n`);
  for (const line of rest) terminal.stderr.write(`${harmless(line)}\n`);
}
