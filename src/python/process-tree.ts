/** Ends a process together with everything it started, also what left its process group. */
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A process and when it started (kernel ticks), so that a re-used number is never taken for it. */
interface KnownProcess {
  readonly pid: number;
  readonly started: string;
}

/** Sends a signal; false when there is nothing to receive it. A negative number is a process group. */
function signalProcess(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** Parent and start of a process from `/proc`; undefined when it has ended (a zombie counts as ended). */
async function readStat(pid: number): Promise<{ parent: number; started: string } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name may hold blanks and brackets; what follows it does not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent, started] = [fields[0], fields[1], fields[19]];
    if (state === 'Z' || state === 'X') return undefined;
    return parent === undefined || started === undefined ? undefined : { parent: Number(parent), started };
  } catch {
    return undefined;
  }
}

/** All descendants of a process on Linux. Elsewhere empty: the process group alone has to do there. */
async function descendants(root: number): Promise<KnownProcess[]> {
  if (process.platform !== 'linux') return [];
  const children = new Map<number, KnownProcess[]>();
  const names = await readdir('/proc').catch(() => []);
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const stat = await readStat(pid);
    if (stat === undefined) continue;
    const siblings = children.get(stat.parent) ?? [];
    siblings.push({ pid, started: stat.started });
    children.set(stat.parent, siblings);
  }
  const found: KnownProcess[] = [];
  const queue = [root];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const child of children.get(next) ?? []) {
      found.push(child);
      queue.push(child.pid);
    }
  }
  return found;
}

async function stillRuns(known: KnownProcess): Promise<boolean> {
  return (await readStat(known.pid))?.started === known.started;
}

function taskkill(pid: number): Promise<void> {
  const root = process.env['SystemRoot'] ?? 'C:\\Windows';
  return new Promise((resolve) => {
    execFile(`${root}\\System32\\taskkill.exe`, ['/pid', String(pid), '/t', '/f'], () => {
      resolve();
    });
  });
}

/** Ends what is left of a group whose leader has exited, at once. */
export function killGroupRemains(leader: number): void {
  if (process.platform !== 'win32') signalProcess(-leader, 'SIGKILL');
}

/** Whether anything of the tree still runs. Without `/proc` the group has to answer for all. */
async function anyRuns(leader: number, known: readonly KnownProcess[]): Promise<boolean> {
  if (process.platform !== 'linux') return signalProcess(-leader, 0);
  if ((await readStat(leader)) !== undefined) return true;
  return (await Promise.all(known.map(stillRuns))).includes(true);
}

/**
 * Ends a process that was started as the leader of its own group, and all of its descendants: politely first, by
 * force after `graceMs`. Resolves when nothing of it is left (or by-force signals have been sent).
 */
export async function killProcessTree(leader: number, graceMs: number): Promise<void> {
  if (process.platform === 'win32') return taskkill(leader);
  const strays = await descendants(leader);
  signalProcess(-leader, 'SIGTERM');
  for (const stray of strays) if (await stillRuns(stray)) signalProcess(stray.pid, 'SIGTERM');
  const deadline = performance.now() + graceMs;
  while (performance.now() < deadline && (await anyRuns(leader, strays))) await delay(25);
  signalProcess(-leader, 'SIGKILL');
  for (const stray of strays) if (await stillRuns(stray)) signalProcess(stray.pid, 'SIGKILL');
}

/** Folder names on a search path, empty and relative entries left out. */
export function searchPath(environment: Readonly<Record<string, string | undefined>>): string[] {
  const separator = process.platform === 'win32' ? ';' : ':';
  const value = environment['PATH'] ?? environment['Path'] ?? '';
  return value
    .split(separator)
    .filter((entry) => entry !== '' && (entry.startsWith('/') || /^[A-Za-z]:/.test(entry)));
}

/** Places where a program of that name may lie, in order of the search path. */
export function programCandidates(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const endings = process.platform === 'win32' ? ['.exe'] : [''];
  return searchPath(environment).flatMap((folder) => endings.map((ending) => join(folder, name + ending)));
}
