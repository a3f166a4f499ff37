/** What a confined program sees of the file system. */
import { mkdir, readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';

export interface Places {
  readonly cwd: string;
  /** Seen, not to be written. */
  readonly readable: readonly string[];
  readonly writable: readonly string[];
  /** Folders that are seen in the place of others: what is written there is thrown away with them. */
  readonly copies: readonly { readonly from: string; readonly at: string }[];
  /** Stands in for /tmp. */
  readonly temporary: string;
  /** Stands in for /dev/shm. */
  readonly shared: string;
}

export interface PlacesRequest {
  /** Absolute path of the interpreter that runs. */
  readonly python: string;
  /** The run's temporary folder, which is home, temporary folder and place of results. */
  readonly home: string;
  readonly cwd: string;
  readonly readable: readonly string[];
  /** Made where they are not there. */
  readonly writable: readonly string[];
  readonly copies: Places['copies'];
}

/** Parts of an installed Python that it needs when it runs; never the folder itself, which might be somebody's home. */
const PARTS = [
  'bin',
  'lib',
  'lib64',
  'libexec',
  'ssl',
  'Frameworks',
  'Resources',
  'Python',
  'share/zoneinfo',
];

/** Folders of an interpreter: its virtual environment, and the installation that this was made from. */
export async function interpreterFolders(python: string): Promise<string[]> {
  const own = dirname(dirname(python));
  const settings = await readFile(join(own, 'pyvenv.cfg'), 'utf8').catch(() => undefined);
  const base = /^home\s*=\s*(.+)$/m.exec(settings ?? '')?.[1]?.trim();
  const real = dirname(dirname(await realpath(python).catch(() => python)));
  const bases = new Set([real, ...(base === undefined ? [] : [dirname(base)])]);
  if (settings === undefined) bases.add(own);
  return [
    ...(settings === undefined ? [] : [own]),
    ...[...bases].flatMap((folder) => PARTS.map((part) => join(folder, part))),
  ];
}

/** Whether all of the person's home, or more, would be seen. */
function exposesHome(path: string): boolean {
  const from = relative(path, homedir());
  return from === '' || (!from.startsWith('..') && !isAbsolute(from));
}

/** The places of a run, with the folders that stand in for the system's made in its temporary one. */
export async function placesOf(request: PlacesRequest): Promise<Places> {
  const [temporary, shared] = [join(request.home, 'tmp'), join(request.home, 'shm')];
  for (const folder of [temporary, shared, ...request.writable]) await mkdir(folder, { recursive: true });
  // A folder to work in that lies in one of the run's own can be written to like the rest of it.
  const within = [request.home, ...request.writable].some((path) => request.cwd.startsWith(`${path}/`));
  const readable = [...(await interpreterFolders(request.python)), ...request.readable];
  if (!within) readable.push(request.cwd);
  return {
    cwd: request.cwd,
    readable: [...new Set(readable)].filter((path) => !exposesHome(path)),
    writable: [...new Set([request.home, ...request.writable])],
    copies: request.copies,
    temporary,
    shared,
  };
}
