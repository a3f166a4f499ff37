/** Wheel and sdist from a clean copy, and the proof that the wheel works without its source tree. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SourcewrightError } from '../../errors.ts';
import type { PythonEnvironment } from '../../python/environments.ts';
import { excerpt } from '../../python/junit.ts';
import { runTool } from '../../python/tools.ts';

const Built = z.object({ sdist: z.string(), wheel: z.string() });

export interface PackageRequest {
  /** Clean copy of the connector; build leftovers are made in it. */
  readonly copy: string;
  /** Folder that receives the packages; emptied first. */
  readonly output: string;
  readonly environment: PythonEnvironment;
  readonly buildScript: string;
  readonly runScript: string;
  /** Empty folder to unpack the wheel into. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

function refuse(what: string, output: string): never {
  throw new SourcewrightError('environment', `${what}:\n${excerpt(output.trim(), 1500)}`, {
    cure: 'Correct pyproject.toml or the sources as the message says, then resume.',
  });
}

/** The wheel's console script must print its SPEC message. */
async function checkWheel(request: PackageRequest, wheel: string): Promise<void> {
  const ran = await runTool({
    environment: request.environment,
    cwd: request.scratch,
    writable: [request.scratch],
    args: ['-I', request.runScript, wheel, join(request.scratch, 'site'), 'spec'],
    signal: request.signal,
  });
  const isSpec = ran.stdout.split('\n').some((line) => {
    try {
      return z.object({ type: z.literal('SPEC') }).safeParse(JSON.parse(line)).success;
    } catch {
      return false;
    }
  });
  if (ran.exitCode !== 0 || !isSpec) {
    refuse('The installed package does not print its specification', `${ran.stdout}\n${ran.stderr}`);
  }
}

/**
 * Builds both packages and runs the wheel once.
 * @throws SourcewrightError `environment` with the builder's words when that fails.
 */
export async function buildPackages(request: PackageRequest): Promise<{ wheel: string; sdist: string }> {
  await rm(request.output, { recursive: true, force: true });
  await mkdir(request.output, { recursive: true });
  const built = await runTool({
    environment: request.environment,
    cwd: request.copy,
    writable: [request.copy, request.output],
    args: [request.buildScript, request.output],
    signal: request.signal,
    timeoutMs: 300_000,
  });
  if (built.exitCode !== 0) refuse('The packages could not be built', `${built.stdout}\n${built.stderr}`);
  let names;
  try {
    names = Built.parse(JSON.parse(built.stdout.trim().split('\n').at(-1) ?? ''));
  } catch {
    return refuse('The build backend did not say what it built', built.stdout);
  }
  const packages = { wheel: join(request.output, names.wheel), sdist: join(request.output, names.sdist) };
  await checkWheel(request, packages.wheel);
  return packages;
}
