/** The sandboxes of a system, and which of them really works here: told by a trial, once for each interpreter. */
import { access, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Isolation } from '../../pipeline/contracts.ts';
import { childEnvironment } from '../child-environment.ts';
import { capture } from '../process-runner.ts';
import { bubblewrapped } from './bubblewrap.ts';
import { scriptsFolder } from './limits.ts';
import { placesOf, type Places } from './places.ts';
import { SANDBOX_EXEC, seatbelted } from './seatbelt.ts';

export interface Sandbox {
  readonly kind: Isolation['kind'];
  /** Whether all that the program started ends with it, by the system's hand. */
  readonly endsAll: boolean;
  /** Whether folders can be shown in the place of others. */
  readonly copies: boolean;
  /** What it does not give, in words. */
  readonly lacks: readonly string[];
  /** The arguments before the program. */
  readonly wrap: (places: Places) => string[];
}

/** Where the sandboxes' programs may lie; a search path is not asked, which others may set. */
export interface SandboxPrograms {
  readonly bubblewrap: readonly string[];
  readonly unshare: readonly string[];
}
const PROGRAMS: SandboxPrograms = {
  bubblewrap: ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/run/current-system/sw/bin/bwrap'],
  unshare: ['/usr/bin/unshare', '/run/current-system/sw/bin/unshare'],
};

const FILES_SEEN = 'the files of the person are seen and can be changed';
const NETWORK = 'the network is open';
const STRAYS = 'processes that leave the run are looked for, which can miss one';

/** Without a sandbox: limits alone, as far as the system has them. */
export const LIMITS_ONLY: Sandbox = {
  kind: 'limits',
  endsAll: false,
  copies: false,
  lacks: [FILES_SEEN, NETWORK, STRAYS],
  wrap: () => [],
};

/** Windows knows none of the limits that we could set from here. */
export const NOTHING: Sandbox = {
  kind: 'none',
  endsAll: true,
  copies: false,
  lacks: [FILES_SEEN, NETWORK, 'only time, output and environment are limited'],
  wrap: () => [],
};

function inBubblewrap(program: string, nesting: boolean): Sandbox {
  return {
    kind: 'bubblewrap',
    endsAll: true,
    copies: true,
    lacks: [],
    wrap: (places) => bubblewrapped(program, places, nesting),
  };
}

function inNamespaces(program: string, python: string): Sandbox {
  const names = ['--user', '--map-root-user', '--net', '--pid', '--mount', '--ipc', '--uts'];
  return {
    kind: 'namespaces',
    endsAll: true,
    copies: false,
    lacks: [FILES_SEEN],
    wrap: () => [
      ...[program, ...names, '--fork', '--kill-child', '--mount-proc', '--'],
      ...[python, '-I', '-S', join(scriptsFolder(), 'enter_namespace.py')],
    ],
  };
}

const SEATBELT: Sandbox = {
  kind: 'seatbelt',
  endsAll: false,
  copies: false,
  lacks: [STRAYS],
  wrap: (places) => seatbelted(places, ['/Users', homedir()]),
};

async function firstOf(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  return undefined;
}

/** Loads what connectors load, talks to itself, and tells what it should not be able to. */
const TRIAL = `
import os, socket, ssl, ctypes, sys
listener = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listener.getsockname(), 5).close()
open(os.path.join(os.environ["HOME"], "written"), "w").close()
def seen():
    try:
        return open(sys.argv[1]).read() != ""
    except OSError:
        return False
interfaces = [name for _, name in socket.if_nameindex()]
print("confined", "files" if seen() else "", "" if interfaces == ["lo"] else "network", sep=";")
`;
const TRIAL_MS = 20_000;

/** Why a sandbox does not work here; undefined where it does. */
async function problemOf(sandbox: Sandbox, python: string): Promise<string | undefined> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-trial-')));
  const home = await realpath(await mkdtemp(join(tmpdir(), 'sourcewright-tool-')));
  try {
    const canary = join(folder, 'canary');
    await writeFile(canary, 'seen');
    const places = await placesOf({ python, home, cwd: home, readable: [], writable: [], copies: [] });
    const [file = '', ...args] = sandbox.wrap(places);
    const ran = await capture({
      file,
      args: [...args, python, '-I', '-c', TRIAL, canary],
      cwd: home,
      env: childEnvironment({ python, home }),
      timeoutMs: TRIAL_MS,
    });
    const said = ran.stdout.trim().split(';');
    if (ran.exitCode !== 0 || said[0] !== 'confined') {
      const last = ran.stderr.trim().split('\n').at(-1);
      return ran.timedOut
        ? 'it did not start in time'
        : last === '' || last === undefined
          ? 'it does not start'
          : last;
    }
    if (said[1] !== '' && !sandbox.lacks.includes(FILES_SEEN)) return 'it does not hide files';
    if (said[2] !== '' && process.platform === 'linux') return 'it does not cut the network';
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    for (const path of [folder, home]) await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

export interface Found {
  readonly sandbox: Sandbox;
  /** Why it is no better one; null where there is none. */
  readonly reason: string | null;
}

async function search(python: string, programs: SandboxPrograms): Promise<Found> {
  if (process.platform === 'win32') return { sandbox: NOTHING, reason: 'Windows has no sandbox for this' };
  if (process.platform === 'darwin') {
    const problem = await problemOf(SEATBELT, python);
    if (problem === undefined) return { sandbox: SEATBELT, reason: null };
    return { sandbox: LIMITS_ONLY, reason: `${SANDBOX_EXEC} does not work here (${problem})` };
  }
  const bubblewrap = await firstOf(programs.bubblewrap);
  let reason = 'bubblewrap is not installed';
  for (const nesting of bubblewrap === undefined ? [] : [false, true]) {
    const sandbox = inBubblewrap(bubblewrap ?? '', nesting);
    const problem = await problemOf(sandbox, python);
    if (problem === undefined) return { sandbox, reason: null };
    reason = `bubblewrap does not work here (${problem})`;
  }
  const unshare = await firstOf(programs.unshare);
  if (unshare === undefined) return { sandbox: LIMITS_ONLY, reason };
  const sandbox = inNamespaces(unshare, python);
  const problem = await problemOf(sandbox, python);
  if (problem === undefined) return { sandbox, reason };
  return { sandbox: LIMITS_ONLY, reason: `${reason}, and neither do namespaces (${problem})` };
}

const known = new Map<string, Promise<Found>>();

/** The best sandbox that works with this interpreter: tried once in this process, and remembered. */
export function findSandbox(python: string, programs: SandboxPrograms = PROGRAMS): Promise<Found> {
  const key = JSON.stringify([dirname(dirname(python)), programs]);
  const found = known.get(key) ?? search(python, programs);
  known.set(key, found);
  return found;
}
