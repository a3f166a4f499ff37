/** Names that are valid in Python and unique, made of whatever a description calls things. */
import type { Endpoint } from './endpoints.ts';
import { segmentParameters } from './endpoints.ts';
import { singular, words } from './words.ts';

/** Python's keywords, soft keywords and the builtins that a parameter or method of that name would hide harmfully. */
const RESERVED = new Set(
  'false none true and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield match case self cls print list dict set str int float bool type id object bytes tuple len input open file exec eval super property'.split(
    ' ',
  ),
);
/** Only true keywords are refused for names that are used as attributes or dictionary keys. */
const KEYWORDS = new Set(
  'false none true and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
);

const MAX_LENGTH = 60;

/** Plain Latin letters for what has them; everything else is dropped. */
function ascii(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replaceAll('ß', 'ss')
    .replaceAll('æ', 'ae')
    .replaceAll('ø', 'o')
    .replaceAll('ł', 'l');
}

/**
 * A snake_case Python identifier made of a name: never a keyword, never empty, at most 60 characters, without a leading
 * underscore or digit. `avoidBuiltins` also keeps off names like `list` and `id`.
 */
export function pythonName(text: string, fallback: string, avoidBuiltins = false): string {
  const joined = words(ascii(text))
    .map((word) => word.replace(/[^a-z0-9]/g, ''))
    .filter((word) => word !== '')
    .join('_');
  let name = joined.slice(0, MAX_LENGTH).replace(/_+$/, '');
  if (name === '') name = fallback;
  if (/^[0-9]/.test(name)) name = `n${name}`;
  const refused = avoidBuiltins ? RESERVED : KEYWORDS;
  return refused.has(name) ? `${name}_` : name;
}

/** Hands out each name once: later takers get a number. */
export class NameRegistry {
  readonly #taken = new Set<string>();

  has(name: string): boolean {
    return this.#taken.has(name);
  }

  /** The first of the proposals that is free, else the last one with a number. */
  take(...proposals: readonly string[]): string {
    for (const proposal of proposals) {
      if (!this.#taken.has(proposal)) {
        this.#taken.add(proposal);
        return proposal;
      }
    }
    const base = proposals.at(-1) ?? 'item';
    for (let number = 2; ; number += 1) {
      const name = `${base}_${String(number)}`;
      if (!this.#taken.has(name)) {
        this.#taken.add(name);
        return name;
      }
    }
  }
}

/** Last segments that say nothing alone: `/users/search` is `users_search`. */
const WEAK = new Set(
  'json list search all items item query data results find get index export paginated page pages details info summary me self v1 v2 v3 latest recent active current history count'.split(
    ' ',
  ),
);

function isWeak(part: string): boolean {
  return WEAK.has(part) || /^(find|get|search|list|by|fetch|query)_/.test(part);
}

/** Fixed words of a path from its end, for names of growing length: `/a/{id}/b` → b, a_b. */
function pathNames(endpoint: Endpoint): string[] {
  const parts = endpoint.segments
    .map((segment) => segment.replace(/\{[^{}]*\}/g, '').replace(/\.(json|xml|php|aspx?)$/i, ''))
    .map((segment) => words(ascii(segment)).join('_'))
    .filter((segment) => segment !== '' && !/^(api|rest|v\d+(_\d+)*|\d+(_\d+)*)$/.test(segment));
  const names: string[] = [];
  for (let count = 1; count <= parts.length; count += 1) {
    const tail = parts.slice(-count);
    if (tail[0] === undefined || (count < parts.length && tail.every(isWeak))) continue;
    names.push(tail.join('_'));
  }
  const parameters = endpoint.segments.flatMap(segmentParameters).map((name) => words(name).join('_'));
  const whole = names.at(-1);
  if (whole !== undefined && parameters.length > 0) names.push(`${whole}_by_${parameters.at(-1) ?? ''}`);
  return names.length > 0 ? names : ['root'];
}

/** Proposals for a stream's name, the shortest first. */
export function streamNames(endpoint: Endpoint): string[] {
  const names = pathNames(endpoint).map((name) => pythonName(name, 'records'));
  const constants = endpoint.constants.map((constant) => `${constant.name}_${constant.value}`).join('_');
  // `/rest?method=photos.search`: the value is the name.
  const telling = endpoint.constants
    .map((constant) => constant.value)
    .find((value) => /^[\w-]+([._/][\w-]+)+$/.test(value));
  if (telling !== undefined) names.unshift(pythonName(telling, 'records'));
  return constants === ''
    ? names
    : [...names, pythonName(`${names.at(-1) ?? 'records'}_${constants}`, 'records')];
}

/** Proposals for an operation's name: its operationId where that reads well, else a verb and the path. */
export function operationNames(endpoint: Endpoint, kind: 'list' | 'search' | 'get'): string[] {
  const proposals: string[] = [];
  const own = endpoint.operationId;
  if (own !== undefined) {
    const name = pythonName(own, 'operation', true);
    const readable = words(own).length <= 8 && /[a-z]/.test(name) && !/[0-9a-f]{16,}/.test(name);
    if (readable) proposals.push(name);
  }
  const base = pathNames(endpoint);
  for (const name of base) {
    const noun =
      kind === 'get'
        ? name
            .split('_')
            .map((word, index, all) => (index === all.length - 1 ? singular(word) : word))
            .join('_')
        : name;
    proposals.push(pythonName(`${kind}_${noun}`, `${kind}_records`, true));
  }
  return proposals;
}

/** Kebab-case connector name from a title: `Google Calendar API v3` → google-calendar, `Netlify's API` → netlify. */
export function connectorName(title: string): string {
  const kept = words(ascii(title.replace(/['’]s(?!\w)/gi, '')))
    .map((word) => word.replace(/[^a-z0-9]/g, ''))
    .filter(
      (word) =>
        word !== '' &&
        !/^(the|api|apis|rest|restful|openapi|swagger|specification|spec|documentation|docs|public|reference|v\d+)$/.test(
          word,
        ),
    )
    .slice(0, 6);
  const name = kept.join('-').slice(0, 50).replace(/-+$/, '');
  if (name === '') return 'api';
  return /^[a-z]/.test(name) ? name : `api-${name}`;
}

/** A connector name as the person gave it, made valid. Undefined where nothing of it can be used. */
export function givenName(name: string): string | undefined {
  const kebab = words(ascii(name.replace(/^source-/, '')))
    .map((word) => word.replace(/[^a-z0-9]/g, ''))
    .filter((word) => word !== '')
    .join('-')
    .slice(0, 60)
    .replace(/-+$/, '');
  if (kebab === '') return undefined;
  return /^[a-z]/.test(kebab) ? kebab : `api-${kebab}`;
}
