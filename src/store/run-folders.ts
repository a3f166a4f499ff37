/** Names and places of runs: `.sourcewright/runs/<run-id>/` in the workspace. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, isAbsolute, join, relative } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import type { RunRequest } from '../pipeline/contracts.ts';
import { fileError, sha256, systemCode } from './files.ts';

/** Everything of ours in a workspace; a `.gitignore` inside keeps it out of the person's commits. */
export function homeOf(workspace: string): string {
  return join(workspace, '.sourcewright');
}
export function runsDir(workspace: string): string {
  return join(homeOf(workspace), 'runs');
}
export function runLockPath(runDir: string): string {
  return join(runDir, 'lock');
}
/**
 * Where a connector's folder lies, as all say who are in that workspace: those that came to it through a link, or spelled it
 * in other letters on a disk that does not mind, name it otherwise as a whole path.
 */
export function connectorPlace(workspace: string, connectorDir: string): string {
  const inside = relative(workspace, connectorDir);
  return inside.startsWith('..') || isAbsolute(inside) ? connectorDir : inside;
}

/** One lock per connector folder. It lies in the workspace, not in the folder: that one is packaged and committed. */
export function connectorLockPath(workspace: string, connectorDir: string): string {
  return join(
    homeOf(workspace),
    'locks',
    `${basename(connectorDir)}-${sha256(connectorPlace(workspace, connectorDir)).slice(0, 8)}.lock`,
  );
}

const SLUG_LENGTH = 32;

/** A short name for a run, of what it is about: `ynab` from `https://api.ynab.com/papi/ynab.openapi.yaml`. */
function slug(request: RunRequest): string {
  const last = basename(request.source.location.replace(/[?#].*$/, '').replace(/\/+$/, ''));
  const words = (request.name ?? last)
    .toLowerCase()
    .replace(/(\.(openapi|swagger|json|yaml|yml|html?))+$/, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_LENGTH)
    .replace(/^-+|-+$/g, '');
  return words === '' ? 'run' : words;
}

/** `20261121-031200-ynab-3f2a`: sorts by time (UTC), says what it is about, differs even within a second. */
export function newRunId(request: RunRequest, now: Date): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  const stamp = `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}`;
  return `${stamp}-${slug(request)}-${randomBytes(2).toString('hex')}`;
}

const STAMP = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-/;

/**
 * When a new run begins, as its name says it: now, or a second after the newest run, where that comes from the future. The
 * clock was set back then, and the newest run must still be the last by name: `latest` means what was begun last.
 */
async function beginning(parent: string, now: Date): Promise<Date> {
  const names = (await readdir(parent).catch(() => [])).filter((name) => STAMP.test(name)).sort();
  const newest = Date.parse(
    (names.at(-1) ?? '').replace(new RegExp(`${STAMP.source}.*`), '$1-$2-$3T$4:$5:$6Z'),
  );
  const next = new Date(newest + 1000);
  // A year of five digits would sort before all others.
  return newest > now.getTime() && next.getUTCFullYear() < 10_000 ? next : now;
}

/** Runs are the person's own business: their `git status` stays clean without touching their `.gitignore`. */
async function keepOutOfGit(workspace: string): Promise<void> {
  try {
    await writeFile(join(homeOf(workspace), '.gitignore'), '*\n', { flag: 'wx' });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

const TRIES = 8;

/**
 * Makes the folder of a new run.
 * @throws SourcewrightError `environment` when the workspace can't be written
 */
export async function createRunFolder(
  request: RunRequest,
  now: Date,
): Promise<{ runId: string; runDir: string }> {
  const parent = runsDir(request.workspace);
  const begins = await beginning(parent, now);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const runId = newRunId(request, begins);
    const runDir = join(parent, runId);
    try {
      await mkdir(parent, { recursive: true });
      await keepOutOfGit(request.workspace);
      await mkdir(runDir);
      return { runId, runDir };
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw fileError(error, 'create', runDir);
    }
  }
  throw new SourcewrightError('environment', 'Could not find a free name for the run.', { where: parent });
}
