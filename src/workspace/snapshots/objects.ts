/**
 * Contents of files by their hash, each stored once and compressed: `.sourcewright/snapshots/objects/aa/<hash>`. What is read is
 * checked against its hash, so a damaged object is noticed and never restored.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { SourcewrightError } from '../../errors.ts';
import { type Files, fileError, sha256, systemCode } from '../../store/files.ts';
import { resolveInside } from '../files.ts';
import { Sha256, SNAPSHOTS } from './manifest.ts';

const pack = promisify(deflateRaw);
const unpack = promisify(inflateRaw);

/** No object of ours is bigger; what claims to be would only fill the memory. Bytes. */
const MOST_BYTES = 64 * 1024 * 1024;

export interface StoredObject {
  readonly sha256: string;
  /** On the disk, compressed. */
  readonly bytes: number;
}

/** The store of one workspace. Whoever writes or removes holds the store's lock. */
export class ObjectStore {
  readonly #home: string;
  readonly #files: Files;

  /** @param home the workspace's `.sourcewright/` */
  constructor(home: string, files: Files) {
    this.#home = home;
    this.#files = files;
  }

  /** Refuses links on the way: nothing is written or read elsewhere. */
  #path(hash: string): Promise<string> {
    return resolveInside(this.#home, `${SNAPSHOTS}/objects/${hash.slice(0, 2)}/${hash}`);
  }

  /**
   * Stores a content, where it is not stored yet.
   * @returns its hash
   * @throws SourcewrightError `environment` when it can't be written
   */
  async put(content: Uint8Array): Promise<string> {
    const hash = sha256(content);
    const path = await this.#path(hash);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || found.size === 0) await this.#files.writeAtomic(path, await pack(content));
    return hash;
  }

  /**
   * The content with this hash.
   * @throws SourcewrightError `input` where it is no longer kept, `corrupt` where what is stored is something else
   */
  async get(hash: string): Promise<Buffer> {
    const path = await this.#path(Sha256.parse(hash));
    const packed = await this.#files.read(path);
    if (packed === undefined) {
      throw new SourcewrightError('input', 'The content of a file in this snapshot is no longer kept.', {
        where: path,
        cure: 'Choose a newer snapshot.',
      });
    }
    const content = await unpack(packed, { maxOutputLength: MOST_BYTES }).catch(() => undefined);
    if (content !== undefined && sha256(content) === hash) return content;
    throw new SourcewrightError('corrupt', 'A stored file is damaged.', {
      where: path,
      cure: 'Choose another snapshot. Delete the damaged file, so that the next snapshot can store it again.',
    });
  }

  /** All that is stored. Half-written files of a process that was killed are removed on the way. */
  async list(): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    for (const group of await entries(this.#home, `${SNAPSHOTS}/objects`)) {
      if (!group.isDirectory() || !/^[0-9a-f]{2}$/.test(group.name)) continue;
      const folder = `${SNAPSHOTS}/objects/${group.name}`;
      const files = (await entries(this.#home, folder)).filter((entry) => entry.isFile());
      await Promise.all(
        files.map(async ({ name }) => {
          const path = join(this.#home, folder, name);
          if (Sha256.safeParse(name).success) found.push({ sha256: name, bytes: (await stat(path)).size });
          else if (name.endsWith('.tmp')) await rm(path, { force: true });
        }),
      );
    }
    return found;
  }

  async remove(hash: string): Promise<void> {
    await rm(await this.#path(hash), { force: true });
  }
}

/** The entries of a folder inside `home`, none for one that is not there. Links are refused. */
export async function entries(
  home: string,
  folder: string,
): Promise<{ readonly name: string; isFile(): boolean; isDirectory(): boolean }[]> {
  const path = await resolveInside(home, folder);
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw fileError(error, 'list', path);
  }
}
