/** Places where things go wrong for real: a small disk, a folder that may not be written, a process without privileges. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Outcome, root } from './program.ts';

/** A disk of its own that is as small as one likes. */
export interface SmallDisk {
  readonly path: string;
  /** `size=200k`, `ro`, `rw`: as `mount -o remount` takes it. */
  change(option: string): void;
  /** Fills what is left. */
  fill(): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Mounts a memory disk.
 * @param at the folder that becomes the disk; absent = a new one
 * @throws where this machine does not let us: a fault that can't be made is a failed test, never a skipped one
 */
export async function smallDisk(size: string, at?: string): Promise<SmallDisk> {
  const path = at ?? (await mkdtemp(join(tmpdir(), 'sourcewright-disk-')));
  const mount = (...words: string[]): void => {
    try {
      execFileSync('mount', [...words, path], { stdio: 'pipe' });
    } catch (cause) {
      throw new Error('These tests need to mount a memory disk: run them as root with CAP_SYS_ADMIN.', {
        cause,
      });
    }
  };
  mount('-t', 'tmpfs', '-o', `size=${size}`, 'none');
  const ballast = join(path, 'ballast');
  return {
    path,
    change: (option) => {
      mount('-o', `remount,${option}`);
    },
    fill: async () => {
      for (const piece of [1 << 16, 1 << 12]) {
        for (;;) {
          const full = await writeFile(ballast, Buffer.alloc(piece), { flag: 'a' }).then(
            () => false,
            () => true,
          );
          if (full) break;
        }
      }
    },
    dispose: async () => {
      execFileSync('umount', ['--lazy', path], { stdio: 'pipe' });
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Runs the program as somebody for whom permissions count: root without privileges, or whoever runs the tests. */
export function unprivileged(words: readonly string[], cwd: string): Promise<Outcome> {
  const program = [process.execPath, join(root, 'dist', 'cli.mjs'), ...words];
  const drop = process.getuid?.() === 0 ? ['setpriv', '--inh-caps=-all', '--bounding-set=-all'] : [];
  const [file = '', ...args] = [...drop, ...program];
  const started = performance.now();
  return new Promise((done, failed) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', failed);
    child.once('close', (exitCode) => {
      done({ exitCode, stdout, stderr, durationMs: performance.now() - started });
    });
  });
}

/** A folder below another whose path is long and has what paths seldom have. */
export async function oddFolder(below: string): Promise<string> {
  const path = join(below, `it's 😀 قاعدة البيانات ü . `, 'x'.repeat(110), 'y'.repeat(110));
  await mkdir(path, { recursive: true });
  return path;
}
