/** One process of the built program with the tripwire in it: it runs to its end, or dies at the step that it is told. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
export const program = join(root, 'dist', 'cli.mjs');
const tripwire = join(import.meta.dirname, 'tripwire.mjs');

/** A step to die at, by the name that the tripwire gives it. */
export interface Kill {
  readonly when: 'before' | 'torn' | 'after';
  readonly what: string;
}
export const named = ({ when, what }: Kill): string => `${when} ${what}`;

export interface Sitting {
  /** Null where it was killed. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The steps that it did, in their order. */
  readonly steps: readonly string[];
  readonly durationMs: number;
}

/** @param log path of a file that does not exist yet; it receives the names of the steps */
export async function sit(
  words: readonly string[],
  options: {
    readonly cwd: string;
    readonly log: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly kill?: Kill | undefined;
  },
): Promise<Sitting> {
  const url = pathToFileURL(tripwire);
  url.searchParams.set('log', options.log);
  if (options.kill !== undefined) {
    url.searchParams.set('when', options.kill.when);
    url.searchParams.set('what', options.kill.what);
  }
  const began = performance.now();
  const ended = await new Promise<Omit<Sitting, 'steps' | 'durationMs'>>((done, failed) => {
    const child = spawn(process.execPath, ['--import', url.href, program, ...words], {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', failed);
    // Not `close`: a program that outlives the killed process may hold the pipes.
    child.once('exit', (exitCode) => {
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        done({ exitCode, stdout, stderr });
      }, 50);
    });
  });
  const steps = (await readFile(options.log, 'utf8').catch(() => '')).split('\n').slice(0, -1);
  return { ...ended, steps, durationMs: performance.now() - began };
}
