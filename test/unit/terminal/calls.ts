/** Calls the program as a person does, over the real pipeline, with stages that do what a script says. */
import { EventEmitter } from 'node:events';
import { testKey } from '../../../src/agents/key.ts';
import { readTranscripts } from '../../../src/agents/transcript-view.ts';
import { runProgram } from '../../../src/terminal/program.ts';
import type { PipelineSetting } from '../../../src/terminal/session.ts';
import { dependencies, scripted, type Script, type Trace } from '../pipeline/scripted.ts';
import { recordedTerminal } from './recorder.ts';

export interface Called {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What the pipeline was set up with; undefined when it never was. */
  readonly setting: PipelineSetting | undefined;
}

export interface Calling {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly script?: Script;
  readonly trace?: Trace;
}

export async function call(words: readonly string[], calling: Calling): Promise<Called> {
  const terminal = recordedTerminal({ cwd: calling.cwd, env: calling.env ?? {} });
  let setting: PipelineSetting | undefined;
  const code = await runProgram(
    {
      terminal,
      interrupts: new EventEmitter(),
      version: '1.2.3',
      command: 'sourcewright',
      pipeline: (given) => {
        setting = given;
        return dependencies(scripted(calling.script, calling.trace));
      },
      agents: { testKey, readTranscripts },
    },
    words,
  );
  return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text, setting };
}
