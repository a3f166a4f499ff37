/** Runs the built terminal program as a person or a script would, in a folder of its own. */
import { spawn } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'dist', 'cli.mjs');
export const sample = join(root, 'sample', 'pagerduty.openapi.yaml');

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the child's process id and everything it wrote to stderr so far, at each new piece. */
  readonly onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
  readonly timeoutMs?: number;
}

/**
 * Planted mistakes and the conformance suite take a while and are no subject here: who wants them names the number of
 * mistakes, and has both then.
 */
function withoutJudges(words: readonly string[]): readonly string[] {
  if (words[0] !== 'generate' || words.includes('--mutants')) return words;
  return [...words, '--mutants', '0', '--no-conformance'];
}

/** No terminal, no standard input: as in CI. */
export function sourcewright(words: readonly string[], options: RunOptions): Promise<Outcome> {
  const started = performance.now();
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [program, ...withoutJudges(words)], {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 240_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onStderr?.(stderr, (signal) => child.kill(signal));
    });
    child.once('error', failed);
    child.once('close', (exitCode) => {
      done({ exitCode, stdout, stderr, durationMs: performance.now() - started });
    });
  });
}

/** The one object on stdout; throws when there is anything else. */
export function only(outcome: Outcome): Record<string, unknown> {
  try {
    return JSON.parse(outcome.stdout) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`stdout is not one JSON object.\n${outcome.stdout}\nstderr:\n${outcome.stderr}`, {
      cause,
    });
  }
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sourcewright-cli-'));
}

export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

/** All paths below a folder, relative to it. */
export async function allBelow(path: string): Promise<string[]> {
  return (await readdir(path, { recursive: true })).sort();
}

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/** A web server on 127.0.0.1. */
export async function serve(listener: RequestListener): Promise<Site> {
  const server = createServer(listener);
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => {
          done();
        });
        server.closeAllConnections();
      }),
  };
}
