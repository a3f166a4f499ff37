/** The secrets for a probe, from a file or the environment. They stay in memory: nothing here or below stores them. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { SourcewrightError } from '../errors.ts';
import type { ProbeCredentials } from '../pipeline/contracts.ts';

/** Variables that start with this are credentials: `SOURCEWRIGHT_CREDENTIAL_API_KEY` is `api_key`. */
export const CREDENTIAL_PREFIX = 'SOURCEWRIGHT_CREDENTIAL_';

const CredentialsFile = z.record(z.string(), z.union([z.string(), z.number()]).transform(String));

/**
 * Reads credentials by config key (`api_key`, `access_token`, `username` …).
 * @param from Path of a JSON file that holds one object, or `env`.
 * @throws SourcewrightError `credentials` when nothing usable is there. Its text never repeats a value.
 */
export async function readCredentials(
  from: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ProbeCredentials> {
  return from === 'env' ? fromEnvironment(env) : fromFile(from);
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): ProbeCredentials {
  const found = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith(CREDENTIAL_PREFIX) && value !== undefined && value !== ''
      ? [[name.slice(CREDENTIAL_PREFIX.length).toLowerCase(), value] as const]
      : [],
  );
  if (found.length > 0) return Object.fromEntries(found);
  throw new SourcewrightError('credentials', `The environment holds no variable ${CREDENTIAL_PREFIX}….`, {
    cure: `Set for instance ${CREDENTIAL_PREFIX}API_KEY, or name a JSON file: --credentials secrets.json`,
  });
}

async function fromFile(path: string): Promise<ProbeCredentials> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (thrown) {
    // A syntax error quotes the file's text, and that may be a secret: only its kind is told.
    const why = thrown instanceof SyntaxError ? 'is not JSON' : "can't be read";
    throw new SourcewrightError('input', `The file of credentials ${why}.`, {
      where: path,
      cure: 'Name a JSON file such as {"api_key": "…"}, or use --credentials env.',
    });
  }
  // A connector's own config file is good as well: its credentials stand under `credentials`.
  const inner = z.object({ credentials: CredentialsFile }).safeParse(parsed);
  const outer = CredentialsFile.safeParse(parsed);
  if (inner.success) return inner.data.credentials;
  if (outer.success && Object.keys(outer.data).length > 0) return outer.data;
  throw new SourcewrightError('input', 'The file of credentials does not hold an object of texts.', {
    where: path,
    cure: 'Write for instance {"api_key": "…"}.',
  });
}
