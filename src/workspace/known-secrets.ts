/** Values that are secret for sure, whatever they look like: what variables, addresses and given credentials hold. */
import type { KnownSecret } from './secrets.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const SECRET_NAME = /KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|_PAT$|_DSN$/i;

/** Names by which something is given with credentials that is none: where the API lies, and how to sign in. */
const NO_CREDENTIALS: ReadonlySet<string> = new Set(['base_url', 'auth_type', 'start_date']);

/**
 * Whether what is called so is secret: a variable, a property.
 * @param around what it stands in: names of a file, of properties above
 */
export function isSecretName(name: string, around = ''): boolean {
  return !NO_CREDENTIALS.has(name.toLowerCase()) && SECRET_NAME.test(`${around} ${name}`);
}

/** Shorter values, and words such as `disabled`, would stand in any text. */
const LEAST_KNOWN = 8;

/** Whether a value can be looked for: paths, plain words and small numbers stand in any text. */
export function isTelling(value: string): boolean {
  return value.length >= LEAST_KNOWN && !/^(?:[a-z_]+|\d{1,9}|[~./][^\s]*|[A-Za-z]:\\.*)$/.test(value);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The passwords of the addresses in a text, as they stand there and as they are meant: of a proxy, an index, a database. */
export function passwordsOfAddresses(text: string): string[] {
  const found = [...text.matchAll(/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]*:([^\s/@]{1,400})@/gi)];
  return [...new Set(found.flatMap(([, password = '']) => [password, decoded(password)]))];
}

/** What the environment knows: variables whose names say that they are secret, and passwords in addresses. */
export function environmentSecrets(environment: Environment): KnownSecret[] {
  return Object.entries(environment).flatMap(([name, value = '']) => {
    const text = value.trim();
    const values = isSecretName(name) ? [text, ...passwordsOfAddresses(text)] : passwordsOfAddresses(text);
    return values.filter(isTelling).map((one) => ({ from: `the environment variable ${name}`, value: one }));
  });
}

/** What was given to ask the API with. Where it lies and how to sign in stand in any connector's documentation. */
export function givenSecrets(credentials: Readonly<Record<string, string>> = {}): KnownSecret[] {
  return Object.entries(credentials).flatMap(([name, value]) => {
    const values = NO_CREDENTIALS.has(name) ? passwordsOfAddresses(value) : [value];
    return values
      .filter((one) => one.length >= LEAST_KNOWN)
      .map((one) => ({ from: `the credential ${name}`, value: one }));
  });
}
