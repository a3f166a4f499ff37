/** What foreign code may use of the machine, and how it shows that it wanted more. */
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MIB = 1024 * 1024;

export interface Limits {
  /** Processes at once, of all that a run starts. */
  readonly processes: number;
  /** Threads at once, of all processes together. */
  readonly threads: number;
  /** Bytes of memory of all processes together. */
  readonly memory: number;
  /** Bytes of data of one process: what asks for more gets Python's `MemoryError`. */
  readonly data: number;
  /** Bytes of one file: what writes more gets an `OSError`. */
  readonly file: number;
  /** Open files of one process. */
  readonly open: number;
  /** Bytes in the folders that may be written to, together. */
  readonly disk: number;
}

/** Far above what a suite of tests needs, and below what makes a machine unusable. */
export const DEFAULT_LIMITS: Limits = {
  processes: 256,
  threads: 2048,
  memory: Math.min(4096 * MIB, Math.floor(totalmem() * 0.6)),
  data: 4096 * MIB,
  file: 64 * MIB,
  open: 4096,
  disk: 1024 * MIB,
};

/** Why a run was ended, by the exit code of `supervise.py`. */
export const LIMIT_REASONS: Readonly<Record<number, string>> = {
  121: 'the tests started more processes at once than they may, and were ended',
  122: 'the tests used more memory than they may, and were ended',
  123: 'the tests wrote more to the disk than they may, and were ended',
};

const here = dirname(fileURLToPath(import.meta.url));

/** Folder of our Python scripts: in a checkout, or built into `dist/`. */
export function scriptsFolder(): string {
  const inCheckout = join(here, '..', 'scripts');
  return existsSync(join(inCheckout, 'supervise.py')) ? inCheckout : join(here, 'python-scripts');
}

/**
 * The command that holds what follows it to the limits. Its interpreter loads no package of the environment.
 * @param watched folders whose size counts
 * @param adopt whether what the program leaves behind has to be ended by it: no namespace does
 */
export function supervised(
  python: string,
  limits: Limits,
  watched: readonly string[],
  adopt: boolean,
): string[] {
  return [
    ...[python, '-I', '-S', join(scriptsFolder(), 'supervise.py')],
    ...Object.entries(limits).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...watched.flatMap((folder) => ['--watch', folder]),
    ...(adopt ? ['--adopt', '1'] : []),
    '--',
  ];
}
