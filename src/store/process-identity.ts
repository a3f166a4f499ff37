/** What tells processes apart beyond their numbers, which are given out anew. */
import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { systemCode } from './files.ts';

const run = promisify(execFile);

/** When a process started, or '' where that can't be found out. Never throws. */
export async function processStart(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') {
      const line = await readFile(`/proc/${pid}/stat`, 'utf8');
      // The second field, the name, may hold blanks and brackets: count from behind it. Field 22 is the start time.
      return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    }
    if (process.platform === 'win32') return '';
    // The same words whoever asks: a process in another time zone or language must not look like another one.
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    const { stdout } = await run('/bin/ps', ['-o', 'lstart=', '-p', String(pid)], { timeout: 5_000, env });
    return stdout.trim();
  } catch {
    return '';
  }
}

export function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

let identity: Promise<string> | undefined;

/**
 * The space in which process numbers are counted: the boot of the system, and the container where there is one. '' where
 * the system does not tell; its process starts are absolute times then, which a reboot does not repeat.
 */
export function systemIdentity(): Promise<string> {
  identity ??= readIdentity();
  return identity;
}

async function readIdentity(): Promise<string> {
  if (process.platform !== 'linux') return '';
  try {
    const [boot, space] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readlink('/proc/self/ns/pid'),
    ]);
    return `${boot.trim()} ${space}`;
  } catch {
    return '';
  }
}
