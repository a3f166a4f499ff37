/**
 * The one place through which everything passes that a model, a transcript, a log or a recording gets to see: values that are
 * known to be secret, and those that have the shape of a credential, are blacked out.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { PipelineDependencies } from '../pipeline/contracts.ts';
import { listFiles, PRIVATE_FILES } from '../workspace/files.ts';
import { isSecretName, passwordsOfAddresses } from '../workspace/known-secrets.ts';
import { encodings, redactText } from '../workspace/secrets.ts';

/** Shorter values would black out ordinary words. */
const LEAST_LENGTH = 8;

/** Values of the environment whose names say that they are secret, and passwords in addresses: of an index, a proxy. */
export function secretsOfEnvironment(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value = '']) => [
    ...(isSecretName(name) ? [value] : []),
    ...passwordsOfAddresses(value),
  ]);
}

const LARGEST_PRIVATE_FILE = 256 * 1024;

/**
 * Values of the private files in a connector's folder and right in the workspace. No tool reads these, but code that an
 * agent has written runs in the tests, and what it prints is shown to the agent.
 */
export async function secretsOfFolders(connectorDir: string | null, workspace: string): Promise<string[]> {
  const below =
    connectorDir === null ? { hidden: [] } : await listFiles(connectorDir).catch(() => ({ hidden: [] }));
  const beside = (await readdir(workspace).catch(() => [])).filter((name) => PRIVATE_FILES.test(name));
  const paths = [
    ...below.hidden.map((path) => join(connectorDir ?? '', path)),
    ...beside.map((name) => join(workspace, name)),
  ];
  const secrets: string[] = [];
  for (const path of paths) {
    const entry = await stat(path).catch(() => undefined);
    if (entry?.isFile() !== true || entry.size > LARGEST_PRIVATE_FILE) continue;
    secrets.push(...secretsOfText(basename(path), await readFile(path, 'utf8').catch(() => '')));
  }
  return secrets;
}

/**
 * For a pipeline's `redact`: takes secrets out of what a person types.
 * @param known what is secret beside the contents of private files; asked each time, for a key may be set on the way
 */
export function redactWords(
  known: () => Promise<readonly (string | undefined)[]>,
): NonNullable<PipelineDependencies['redact']> {
  return async (text, { workspace, connectorDir }) => {
    const found = await secretsOfFolders(connectorDir, workspace);
    return new Redactor([...(await known()), ...found]).text(text);
  };
}

/** Values in JSON, or behind names line by line, that are called secret: by their own name, one above, or the file's. */
export function secretsOfText(file: string, text: string): string[] {
  try {
    return [...leaves(JSON.parse(text) as unknown, file), ...passwordsOfAddresses(text)];
  } catch {
    const named = text.split(/\r?\n/).flatMap((line) => {
      const [, name = '', value = line] = /^\s*(?:export\s+)?([\w.-]+)\s*[:=]\s*(.*)$/.exec(line) ?? [];
      if (!isSecretName(name, file)) return [];
      return [value.trim().replace(/^(["'])(.*)\1$/, '$2')];
    });
    return [...named, ...passwordsOfAddresses(text)];
  }
}

function leaves(value: unknown, around: string, name = ''): string[] {
  if (typeof value === 'string') return isSecretName(name, around) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([inner, one]) => leaves(one, `${around} ${name}`, inner));
}

export class Redactor {
  readonly #known: readonly string[];

  /** @param known values that must never be seen, in any number; blanks and very short ones are passed over */
  constructor(known: readonly (string | undefined)[]) {
    const values = known.flatMap((value) => {
      const trimmed = value?.trim() ?? '';
      return trimmed.length < LEAST_LENGTH ? [] : encodings(trimmed);
    });
    // The longest first: one secret may be the beginning of another.
    this.#known = [...new Set(values)].sort((a, b) => b.length - a.length);
  }

  /** The text without secrets. */
  text(text: string): string {
    return redactText(this.known(text));
  }

  /** The text without the values that are known to be secret; what only looks like a credential stays. */
  known(text: string): string {
    let clean = text;
    for (const value of this.#known) clean = clean.replaceAll(value, '[redacted]');
    return clean;
  }

  /** Whether a known secret stands in the text. */
  holds(text: string): boolean {
    return this.#known.some((value) => text.includes(value));
  }

  /** The same value with every text in it, keys included, redacted. */
  deep<T>(value: T): T {
    return this.#deep(value) as T;
  }

  #deep(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.#deep(one));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [this.text(key), this.#deep(one)]));
  }
}
