/**
 * Examples of descriptions hold credentials now and then, made up or forgotten. None of them goes into a connector's
 * fixtures, where a scanner, or a person, can't tell the one from the other.
 */

const CREDENTIAL_NAME =
  /(passw(or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|credential|authorization|certificate)/i;
const CREDENTIAL_SHAPE =
  /-----BEGIN |\b(?:AKIA|ASIA)[A-Z2-7]{16}\b|\beyJ[\w-]{10,}\.|\b(?:ghp|gho|ghs|sk|rk|pk|xox[abprs]|glpat|SG|dop_v1)[_.-][\w.-]{16,}/;
const USER_IN_URL = /([a-z][a-z0-9+.-]*:\/\/)[^\s/:@'"]+:[^\s/@'"]+@/gi;

/** The value with every text that is a credential by its name or its shape made plainly up. */
export function withoutCredentials<T>(value: T, name = ''): T {
  return replaced(value, name) as T;
}

function replaced(value: unknown, name: string): unknown {
  if (typeof value === 'string') return harmless(value, name);
  if (Array.isArray(value)) return value.map((item) => replaced(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, key)]));
}

function harmless(text: string, name: string): string {
  if (CREDENTIAL_SHAPE.test(text)) return `example-${name === '' ? 'value' : name}`;
  // Short words (`"token_type": "bearer"`) say something about the row and are no credentials.
  if (CREDENTIAL_NAME.test(name) && text.length >= 12) return `example-${name}`;
  return text.replaceAll(USER_IN_URL, '$1user:example-password@');
}
