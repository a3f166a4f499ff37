/** `requirements.lock`: every package of an environment by version and hash, for one kind of Python. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SourcewrightError } from '../errors.ts';
import { nameOf, normalName } from './known-packages.ts';

export const LOCK_FILE = 'requirements.lock';

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** In hexadecimal; what is installed has one of them. */
  readonly sha256: readonly string[];
}

export interface Lock {
  /** Of the requirement lines that it was made for. */
  readonly requirements: string;
  /** The kind of Python, as in `Interpreter`. */
  readonly platform: string;
  readonly packages: readonly LockedPackage[];
}

export function requirementsDigest(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32);
}

/** The same lock gives the same text, which pip and uv can read. */
export function lockText({ requirements, platform, packages }: Lock): string {
  const sorted = [...packages].sort((one, other) => (one.name < other.name ? -1 : 1));
  return [
    '# Every package that this connector is tested with. Sourcewright makes it anew where the requirements change.',
    '# python -m pip install --require-hashes --only-binary :all: -r requirements.lock',
    `# requirements: ${requirements}`,
    `# platform: ${platform}`,
    ...sorted.map(({ name, version, sha256 }) =>
      [`${name}==${version}`, ...[...sha256].sort().map((hash) => `--hash=sha256:${hash}`)].join(' '),
    ),
    '',
  ].join('\n');
}

const LINE =
  /^([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_-]+)(?:\s*;[^-]*)?((?:\s+--hash=sha256:[0-9a-f]{64})+)$/;

/**
 * Reads a lock. Lines may go on after a backslash.
 * @throws SourcewrightError `environment` where a line is no package with version and hash: options of pip could fetch from
 *   anywhere
 */
export function parseLock(text: string, where: string): Lock {
  const header = (name: string): string => new RegExp(`^# ${name}: (\\S+)$`, 'm').exec(text)?.[1] ?? '';
  const lines = text
    .replace(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
  const packages = lines.map((line) => {
    const [, name = '', version = '', hashes = ''] = LINE.exec(line) ?? [];
    if (name === '') {
      throw new SourcewrightError(
        'environment',
        `"${line.slice(0, 80)}" is not a package with its version and hash.`,
        {
          where,
          cure: 'Delete the file: it is made anew. Then resume.',
        },
      );
    }
    return {
      name: normalName(name),
      version,
      sha256: [...hashes.matchAll(/sha256:([0-9a-f]{64})/g)].map(([, hash]) => hash ?? ''),
    };
  });
  return { requirements: header('requirements'), platform: header('platform'), packages };
}

/** Whether a lock was made for these requirements and this Python, and holds what they pin. */
export function fits(lock: Lock, lines: readonly string[], platform: string): boolean {
  if (lock.requirements !== requirementsDigest(lines) || lock.platform !== platform) return false;
  const versions = new Map(lock.packages.map(({ name, version }) => [name, version]));
  return lines.every((line) => {
    if (/;/.test(line)) return true;
    const version = versions.get(nameOf(line));
    const pinned = /==\s*([A-Za-z0-9.!+_-]+)$/.exec(line)?.[1];
    return version !== undefined && (pinned === undefined || pinned === version);
  });
}

/** What lies in a folder of wheels, hashed. */
export async function lockWheels(folder: string): Promise<LockedPackage[]> {
  const packages: LockedPackage[] = [];
  for (const file of (await readdir(folder)).sort()) {
    const [name, version] = file.endsWith('.whl') ? file.split('-') : [];
    if (name === undefined || version === undefined) {
      throw new SourcewrightError('environment', `${file} is no wheel: it would run code to be installed.`, {
        where: folder,
      });
    }
    const hash = createHash('sha256').update(await readFile(join(folder, file)));
    packages.push({ name: normalName(name), version, sha256: [hash.digest('hex')] });
  }
  return packages;
}
