/** Where documents come from: one loader per read, for the description and the documents that its `$ref`s name. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SourcewrightError } from '../errors.ts';
import { get, publicUrl, tooLarge } from './http.ts';
import { MAX_BYTES, REQUEST_TIMEOUT_MS } from './limits.ts';

export interface LoadedBytes {
  readonly bytes: Uint8Array;
  /** Absolute path, or URL after redirects (user, password and secret query values taken out). */
  readonly location: string;
}

/** Loads a document by absolute path or URL. Throws `SourcewrightError` only. */
export type LoadDocument = (location: string) => Promise<LoadedBytes>;

export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly maxBytes?: number | undefined;
  readonly timeoutMs?: number | undefined;
  /** `host:port` that the person named, and that may be private; default: that of the location. */
  readonly trustedHost?: string | undefined;
  /** Folder that files named by `$ref` must lie in; default: the description's own. */
  readonly root?: string | undefined;
}

export function isUrl(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/** The location as it is worked with: a URL as given, a file as absolute path. Throws `input` for other schemes. */
export function normalizeLocation(location: string): string {
  const trimmed = location.trim();
  if (trimmed === '') {
    throw new SourcewrightError('input', 'No description was given.', { cure: 'Give a file path or a URL.' });
  }
  if (isUrl(trimmed)) {
    if (!URL.canParse(trimmed)) {
      throw new SourcewrightError('input', 'This is not a valid URL.', {
        where: trimmed,
        cure: 'Check its spelling.',
      });
    }
    return new URL(trimmed).href;
  }
  if (/^file:\/\//i.test(trimmed)) {
    try {
      return fileURLToPath(trimmed);
    } catch (error) {
      throw new SourcewrightError('input', 'This is not a valid file URL.', {
        where: trimmed,
        cure: 'Give a path.',
        cause: error,
      });
    }
  }
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(trimmed)?.[1];
  if (scheme !== undefined) {
    throw new SourcewrightError('input', `Addresses that begin with ${scheme}:// are not read.`, {
      where: trimmed,
      cure: 'Give a file path, or an http or https URL.',
    });
  }
  if (trimmed.includes('\0')) {
    throw new SourcewrightError('input', 'A file name can not hold a NUL character.', {
      cure: 'Check the path.',
    });
  }
  return resolve(trimmed);
}

/** Loads the description itself: what the person typed, so its host may be private. */
export async function loadDescription(location: string, options: LoadOptions): Promise<LoadedBytes> {
  const maxBytes = options.maxBytes ?? MAX_BYTES;
  if (!isUrl(location)) return loadFile(location, maxBytes);
  const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
  const { bytes, url } = await get(location, {
    trustedHost: options.trustedHost ?? new URL(location).host,
    maxBytes,
    timeoutMs,
    signal: options.signal,
  });
  return { bytes, location: publicUrl(url) };
}

/**
 * A loader for the documents that `main` refers to: for a file, files below `root`; for a URL, the same origin.
 * `typed` is what the person gave, before redirects.
 */
export function referenceLoader(main: string, typed: string, options: LoadOptions): LoadDocument {
  const maxBytes = options.maxBytes ?? MAX_BYTES;
  if (isUrl(main)) {
    const { origin } = new URL(main);
    const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    return async (location) => {
      if (!isUrl(location) || new URL(location).origin !== origin) {
        throw new SourcewrightError('input', 'A $ref to another host is not followed', {
          where: publicUrl(location),
        });
      }
      const trustedHost = options.trustedHost ?? new URL(typed).host;
      const { bytes } = await get(location, {
        trustedHost,
        onlyOrigin: origin,
        maxBytes,
        timeoutMs,
        signal: options.signal,
      });
      return { bytes, location };
    };
  }
  const root = options.root !== undefined && isInside(options.root, main) ? options.root : dirname(main);
  return async (location) => {
    if (isUrl(location)) {
      throw new SourcewrightError('input', 'A $ref from a file to the network is not followed', {
        where: publicUrl(location),
      });
    }
    if (!isInside(root, location)) {
      throw new SourcewrightError('input', "A $ref out of the description's folder is not followed", {
        where: location,
      });
    }
    const [realRoot, realFile] = await Promise.all([
      realpath(root).catch(() => root),
      realpath(location).catch(() => location),
    ]);
    if (!isInside(realRoot, realFile) && realFile !== location) {
      throw new SourcewrightError(
        'input',
        "A $ref through a link out of the description's folder is not followed",
        { where: location },
      );
    }
    return loadFile(location, maxBytes);
  };
}

function isInside(root: string, path: string): boolean {
  const below = relative(root, path);
  return below !== '' && below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below);
}

async function loadFile(path: string, maxBytes: number): Promise<LoadedBytes> {
  try {
    const status = await stat(path);
    if (status.isDirectory()) throw await directoryError(path);
    if (!status.isFile()) {
      throw new SourcewrightError('input', 'This is not a regular file.', {
        where: path,
        cure: 'Give a file or a URL.',
      });
    }
    if (status.size > maxBytes) throw tooLarge(path, status.size, maxBytes);
    return { bytes: await readFile(path), location: path };
  } catch (error) {
    if (error instanceof SourcewrightError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new SourcewrightError('input', 'There is no such file.', {
        where: path,
        cure: 'Check the path.',
        cause: error,
      });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new SourcewrightError('input', 'This file may not be read.', {
        where: path,
        cure: 'Change its permissions, or give a copy that you may read.',
        cause: error,
      });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new SourcewrightError('input', `The file can't be read: ${reason}`, {
      where: path,
      cure: 'Check the path.',
      cause: error,
    });
  }
}

async function directoryError(path: string): Promise<SourcewrightError> {
  const entries = await readdir(path).catch(() => []);
  const likely = entries
    .filter(
      (entry) => ['.json', '.yaml', '.yml'].includes(extname(entry)) && /openapi|swagger|api/i.test(entry),
    )
    .sort();
  const [first] = likely;
  const cure =
    first === undefined
      ? 'Give the file inside it.'
      : `Give a file inside it, for example ${join(path, first)}.`;
  return new SourcewrightError('input', 'This is a folder, not a file.', { where: path, cure });
}
