/** The ways to authenticate: from the declared schemes and their use, else from parameters and prose. */
import type { Auth, AuthOption } from '../../blueprint/schema.ts';
import type { Description } from '../description.ts';
import { pointerAt } from '../description.ts';
import type { SecurityRequirement, SecuritySchemeObject } from '../document.ts';
import { prefixInText, undeclaredAuth } from './auth-prose.ts';
import type { Endpoint } from './endpoints.ts';
import { NameRegistry, pythonName } from './naming.ts';
import { shorten, squash } from './words.ts';

export interface AuthFinding {
  readonly options: readonly AuthOption[];
  readonly confidence: number;
  readonly rule: string;
  readonly pointers: readonly string[];
  readonly quote: string;
  readonly doubts: readonly string[];
}

interface Scheme {
  readonly name: string;
  readonly pointer: string;
  readonly ways: readonly Auth[];
  /** Impersonation and the like: sent beside the real authentication, never alone. */
  readonly auxiliary: boolean;
  readonly doubt: string | undefined;
}

interface Way {
  readonly name: string;
  readonly parts: readonly Auth[];
  readonly uses: number;
  readonly order: number;
}

/** All ways to authenticate, the likeliest first. Never empty: an open API has the way `none`. */
export function findAuth(
  description: Description,
  endpoints: readonly Endpoint[],
  baseUrl: string,
): AuthFinding {
  const found = findOptions(description, endpoints);
  return {
    ...found,
    options: found.options.map((option) => ({
      ...option,
      parts: option.parts.map((part) => absoluteUrls(part, baseUrl)),
    })),
  };
}

function findOptions(description: Description, endpoints: readonly Endpoint[]): AuthFinding {
  const schemes = readSchemes(description);
  const readable = endpoints.filter((endpoint) => endpoint.method === 'GET');
  const usage = countRequirements(description, readable.length > 0 ? readable : endpoints);
  if (schemes.size === 0) return undeclared(description, readable);
  const ways = collectWays(schemes, usage);
  if (ways.length === 0) {
    const gap = [...schemes.values()].map((scheme) => scheme.doubt).find((doubt) => doubt !== undefined);
    if (usage.open === usage.total && usage.total > 0 && !usage.anyDeclared) return schemesUnused(schemes);
    return {
      options: [{ name: 'none', parts: [{ kind: 'none' }] }],
      confidence: 0.3,
      rule: 'schemes-not-supported',
      pointers: ['/components/securitySchemes'],
      quote: [...schemes.keys()].join(', '),
      doubts: [gap ?? 'how to authenticate: none of the declared schemes can be used by a program'],
    };
  }
  return fromWays(schemes, [...ways, ...pairedKeys(ways)], usage);
}

/** `key` and `token`, an id and its secret: documents list them as alternatives and mean both. */
function pairedKeys(ways: readonly Way[]): Way[] {
  const keys = ways.filter((way) => way.parts.length === 1 && way.parts[0]?.kind === 'api_key');
  for (const first of keys) {
    for (const second of keys) {
      const [left, right] = [first.parts[0], second.parts[0]];
      if (
        left?.kind !== 'api_key' ||
        right?.kind !== 'api_key' ||
        left.in !== right.in ||
        first.uses !== second.uses
      )
        continue;
      const [one, other] = [squash(left.name), squash(right.name)];
      const pair =
        (/^(api|app|access)?key$/.test(one) && /^(api)?(token|secret)$/.test(other)) ||
        (/(app|application|client|account)id$/.test(one) && /(key|secret|token)$/.test(other));
      if (pair)
        return [
          {
            name: `${first.name}_and_${second.name}`,
            parts: [left, right],
            uses: first.uses + 0.5,
            order: first.order,
          },
        ];
    }
  }
  return [];
}

/** Token URLs may be relative ("relative to the server's URL", OpenAPI 3.1). */
function absoluteUrls(part: Auth, baseUrl: string): Auth {
  if (part.kind !== 'oauth2_client_credentials' && part.kind !== 'oauth2_refresh_token') return part;
  return { ...part, tokenUrl: absoluteUrl(part.tokenUrl, baseUrl) };
}

function absoluteUrl(url: string, baseUrl: string): string {
  if (/^https?:\/\//i.test(url) || url.includes('{')) return url;
  try {
    return new URL(url, `${baseUrl}/`).toString();
  } catch {
    return url;
  }
}

// ---------------------------------------------------------------------------------------------------------- schemes

function readSchemes(description: Description): Map<string, Scheme> {
  const schemes = new Map<string, Scheme>();
  for (const [name, written] of Object.entries(description.document.components.securitySchemes ?? {})) {
    const at = pointerAt('/components/securitySchemes', name);
    const reached = description.deref<SecuritySchemeObject>(written, at);
    if (reached === undefined) continue;
    schemes.set(name, readScheme(name, reached.value, reached.pointer));
  }
  return schemes;
}

function readScheme(name: string, scheme: SecuritySchemeObject, pointer: string): Scheme {
  const text = scheme.description ?? '';
  const base = { name, pointer, auxiliary: isAuxiliary(name, scheme), doubt: undefined };
  switch (scheme.type?.toLowerCase()) {
    case 'apikey':
      return { ...base, ways: apiKey(scheme, text), doubt: barePrefix(scheme, text) };
    case 'http':
      return http(base, scheme, text);
    case 'basic':
      return { ...base, ways: [basic(text)] };
    case 'oauth2':
      return oauth(base, scheme);
    case 'openidconnect':
      return {
        ...base,
        ways: [{ kind: 'bearer' }],
        doubt: 'where to get a token: the description names OpenID Connect only',
      };
    default:
      return { ...base, ways: [], doubt: `how the scheme ${name} (${scheme.type ?? 'no type'}) works` };
  }
}

function isAuxiliary(name: string, scheme: SecuritySchemeObject): boolean {
  const text = `${name} ${scheme.name ?? ''}`;
  return (
    /[-_ ]?version$|sudo|impersonat|on.?behalf|csrf|xsrf|x-?request-?id|idempoten|captcha|\botp\b|2fa|mfa/i.test(
      text,
    ) || /\b(sudo|impersonat\w*|on behalf of)\b/i.test(scheme.description ?? '')
  );
}

function apiKey(scheme: SecuritySchemeObject, text: string): Auth[] {
  const where = scheme.in === 'query' || scheme.in === 'cookie' ? scheme.in : 'header';
  const name = scheme.name ?? 'Authorization';
  if (where !== 'header' || name.toLowerCase() !== 'authorization') {
    const prefix = where === 'header' ? prefixInText(text) : undefined;
    const usable = prefix !== undefined && /^bearer$|^token$/i.test(prefix.trim()) ? prefix : '';
    return [{ kind: 'api_key', in: where, name, prefix: usable }];
  }
  const prefix = prefixInText(text);
  if (prefix === undefined) return [{ kind: 'api_key', in: 'header', name, prefix: '' }];
  if (/^bearer $/i.test(prefix)) return [{ kind: 'bearer' }];
  if (/^basic $/i.test(prefix)) return [basic(text)];
  return [{ kind: 'api_key', in: 'header', name, prefix }];
}

/** The key of a header `Authorization` seldom stands there alone. */
function barePrefix(scheme: SecuritySchemeObject, text: string): string | undefined {
  if (scheme.in !== 'header' || scheme.name?.toLowerCase() !== 'authorization') return undefined;
  return prefixInText(text) === undefined
    ? 'what stands before the key in the header Authorization (nothing, Bearer, Token …)'
    : undefined;
}

function http(base: Omit<Scheme, 'ways'>, scheme: SecuritySchemeObject, text: string): Scheme {
  const kind = (scheme.scheme ?? 'bearer').toLowerCase();
  if (kind === 'bearer' || kind === 'oauth' || kind === 'jwt') return { ...base, ways: [{ kind: 'bearer' }] };
  if (kind === 'basic') return { ...base, ways: [basic(text)] };
  if (/^(digest|negotiate|ntlm|hoba|mutual|scram|vapid|dpop|aws4|hmac|signature)/.test(kind)) {
    return { ...base, ways: [], doubt: `how to sign requests: the API wants HTTP ${scheme.scheme ?? ''}` };
  }
  return {
    ...base,
    ways: [{ kind: 'api_key', in: 'header', name: 'Authorization', prefix: `${scheme.scheme ?? ''} ` }],
  };
}

function basic(text: string): Auth {
  const user =
    /user ?name(?: is| should be| must be|:| =| as)? (?:your |the )?["'`]?([A-Z][\w ]{2,30}|account sid|api key|email)/i.exec(
      text,
    )?.[1];
  const keyAsUser =
    /(api[ _-]?key|token|secret key) as (the |your )?(basic auth )?user ?name|password (can|should|may|must) be (left )?(blank|empty)|(empty|blank|no) password|leave (the )?password (blank|empty)|do not need to provide a password/i.test(
      text,
    );
  return {
    kind: 'basic',
    ...(user === undefined ? {} : { usernameLabel: user.trim() }),
    // Many APIs take a key as the user name and no password, and say so only in their guides.
    passwordRequired: !keyAsUser && /password|secret|auth token|user ?name and/i.test(text),
  };
}

function oauth(base: Omit<Scheme, 'ways'>, scheme: SecuritySchemeObject): Scheme {
  const flows = scheme.flows ?? {};
  const ways: Auth[] = [];
  let tokenUrl: string | undefined;
  const client = flows.clientCredentials;
  if (client?.tokenUrl !== undefined && client.tokenUrl !== '') {
    tokenUrl = client.tokenUrl;
    ways.push({
      kind: 'oauth2_client_credentials',
      tokenUrl,
      scopes: Object.keys(client.scopes ?? {}).slice(0, 50),
      clientAuthentication: 'basic',
    });
  }
  const code = flows.authorizationCode;
  const refreshUrl = code?.refreshUrl ?? code?.tokenUrl;
  if (refreshUrl !== undefined && refreshUrl !== '') {
    ways.push({
      kind: 'oauth2_refresh_token',
      tokenUrl: refreshUrl,
      ...(code?.authorizationUrl === undefined ? {} : { authorizationUrl: code.authorizationUrl }),
      scopes: Object.keys(code?.scopes ?? {}).slice(0, 50),
      clientAuthentication: 'body',
    });
  }
  // A token that the person already has always works.
  ways.push({ kind: 'bearer' });
  const doubt =
    ways.length === 1
      ? `how tokens of ${base.name} are refreshed: the description names no token URL`
      : undefined;
  return { ...base, ways, doubt };
}

// ------------------------------------------------------------------------------------------------------ requirements

interface Usage {
  /** Requirement as a list of scheme names → number of operations that take it. */
  readonly counts: ReadonlyMap<string, { readonly names: readonly string[]; readonly uses: number }>;
  /** Operations that may be called without authentication. */
  readonly open: number;
  readonly total: number;
  readonly anyDeclared: boolean;
}

function countRequirements(description: Description, endpoints: readonly Endpoint[]): Usage {
  const counts = new Map<string, { names: readonly string[]; uses: number }>();
  let open = 0;
  let anyDeclared = description.document.security !== undefined;
  for (const endpoint of endpoints) {
    const own: SecurityRequirement[] | undefined = endpoint.operation.security;
    if (own !== undefined) anyDeclared = true;
    const requirements = own ?? description.document.security ?? [];
    if (requirements.length === 0 || requirements.some((one) => Object.keys(one).length === 0)) open += 1;
    for (const requirement of requirements) {
      const names = Object.keys(requirement);
      if (names.length === 0) continue;
      const key = names.join('\0');
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { names, uses: 1 });
      else known.uses += 1;
    }
  }
  return { counts, open, total: endpoints.length, anyDeclared };
}

function collectWays(schemes: ReadonlyMap<string, Scheme>, usage: Usage): Way[] {
  const ways: Way[] = [];
  let order = 0;
  const add = (names: readonly string[], uses: number): void => {
    const used = names.map((name) => schemes.get(name)).filter((scheme) => scheme !== undefined);
    const real = used.filter((scheme) => !scheme.auxiliary);
    if (real.length === 0 || real.some((scheme) => scheme.ways.length === 0)) return;
    for (const chosen of product(real.map((scheme) => scheme.ways))) {
      const parts = mergeParts(chosen);
      ways.push({
        name: nameOf(
          real.map((scheme) => scheme.name),
          parts,
        ),
        parts,
        uses,
        order,
      });
      order += 1;
    }
  };
  for (const { names, uses } of usage.counts.values()) add(names, uses);
  // Declared but required nowhere: many documents forget `security`; the schemes still tell how.
  if (usage.counts.size === 0)
    for (const scheme of schemes.values()) if (!scheme.auxiliary) add([scheme.name], 0);
  return ways;
}

/** Every choice of one way per scheme. */
function product(lists: readonly (readonly Auth[])[]): Auth[][] {
  return lists.reduce<Auth[][]>(
    (done, list) => done.flatMap((parts) => list.slice(0, 3).map((way) => [...parts, way])).slice(0, 8),
    [[]],
  );
}

/** Two parts may not write the same header: bearer beside OAuth is one. */
function mergeParts(parts: readonly Auth[]): Auth[] {
  const kept: Auth[] = [];
  let authorization = false;
  // Of two that write the same header the one that renews its tokens is worth more.
  const ordered = [...parts].sort((left, right) => renews(right) - renews(left));
  for (const part of ordered) {
    const header =
      part.kind !== 'api_key' || (part.in === 'header' && part.name.toLowerCase() === 'authorization');
    if (header && authorization) continue;
    authorization ||= header;
    kept.push(part);
  }
  return kept;
}

function renews(part: Auth): number {
  return part.kind.startsWith('oauth2') ? 1 : 0;
}

function nameOf(schemes: readonly string[], parts: readonly Auth[]): string {
  const suffix = parts.length === 1 && parts[0] !== undefined ? `_${parts[0].kind}` : '';
  const base = pythonName(schemes.join('_and_'), 'auth');
  const kind = suffix.slice(1);
  return kind !== '' && kind.startsWith('oauth2') && !base.includes(kind)
    ? `${base}${suffix.replace('oauth2_', '_').replace('__', '_')}`
    : base;
}

const PREFERENCE: Readonly<Record<Auth['kind'], number>> = {
  bearer: 1,
  api_key: 2,
  basic: 3,
  oauth2_client_credentials: 4,
  oauth2_refresh_token: 5,
  jwt_bearer: 6,
  session: 6,
  hmac: 6,
  none: 9,
};

function ease(way: Way): number {
  const worst = Math.max(
    ...way.parts.map(
      (part) => PREFERENCE[part.kind] + (part.kind === 'api_key' && part.in !== 'header' ? 1.5 : 0),
    ),
  );
  const plainToken = way.parts.some((part) => part.kind === 'bearer');
  return worst + (plainToken ? 0 : 0.1) + (way.parts.length - 1) * 0.5;
}

function fromWays(schemes: ReadonlyMap<string, Scheme>, ways: readonly Way[], usage: Usage): AuthFinding {
  const renewable = new Set(
    ways.filter((way) => way.parts.some((part) => part.kind.startsWith('oauth2'))).map((way) => way.uses),
  );
  const sorted = [...ways].sort(
    (left, right) =>
      right.uses - left.uses ||
      orderOf(left, renewable) - orderOf(right, renewable) ||
      left.order - right.order,
  );
  const registry = new NameRegistry();
  const options: AuthOption[] = [];
  const seen = new Set<string>();
  for (const way of sorted) {
    const key = JSON.stringify(
      way.parts.map((part) => ({ ...part, scopes: undefined, usernameLabel: undefined })),
    );
    if (seen.has(key) || options.length >= 8) continue;
    seen.add(key);
    options.push({
      name: registry.take(way.name, `${way.name}_${way.parts[0]?.kind ?? 'auth'}`),
      parts: [...way.parts],
    });
  }
  const doubts = [...schemes.values()].flatMap((scheme) =>
    scheme.doubt === undefined || scheme.auxiliary ? [] : [scheme.doubt],
  );
  const partly = usage.counts.size > 0 && (sorted[0]?.uses ?? 0) < (usage.total - usage.open) * 0.6;
  if (sorted[0] !== undefined && !Number.isInteger(sorted[0].uses)) {
    doubts.push(
      `whether ${sorted[0].parts.map((part) => (part.kind === 'api_key' ? part.name : part.kind)).join(' and ')} are sent together: the description lists them as alternatives`,
    );
  }
  if (partly) doubts.push('which credentials cover the streams: operations ask for different schemes');
  const used = [...schemes.values()].filter((scheme) => !scheme.auxiliary);
  return {
    options,
    confidence: (usage.counts.size > 0 ? 0.95 : 0.85) - (partly ? 0.2 : 0) - (doubts.length > 0 ? 0.05 : 0),
    rule: usage.counts.size > 0 ? 'security-requirements' : 'security-schemes-declared',
    pointers: used.slice(0, 5).map((scheme) => scheme.pointer),
    quote: shorten(used.map((scheme) => scheme.name).join(', '), 120),
    doubts,
  };
}

/** A way that renews its tokens comes before the bare token of the same scheme. */
function orderOf(way: Way, renewable: ReadonlySet<number>): number {
  const refreshes = way.parts.some((part) => part.kind.startsWith('oauth2'));
  if (refreshes && renewable.has(way.uses)) return ease(way) - 4.5;
  return ease(way);
}

function schemesUnused(schemes: ReadonlyMap<string, Scheme>): AuthFinding {
  return {
    options: [{ name: 'none', parts: [{ kind: 'none' }] }],
    confidence: 0.5,
    rule: 'schemes-unused',
    pointers: ['/components/securitySchemes'],
    quote: [...schemes.keys()].join(', '),
    doubts: ['whether the API is open: schemes are declared, but no operation requires one'],
  };
}

function undeclared(description: Description, endpoints: readonly Endpoint[]): AuthFinding {
  const told = undeclaredAuth(description, endpoints);
  if (told !== undefined) {
    const open: AuthOption[] = told.optional === true ? [{ name: 'none', parts: [{ kind: 'none' }] }] : [];
    return { ...told, options: [{ name: pythonName(told.name, 'auth'), parts: [...told.parts] }, ...open] };
  }
  const refuses = endpoints.filter((endpoint) =>
    Object.keys(endpoint.operation.responses ?? {}).some((status) => status === '401'),
  ).length;
  const suspicious = refuses > endpoints.length / 2 && endpoints.length > 0;
  return {
    options: [{ name: 'none', parts: [{ kind: 'none' }] }],
    confidence: suspicious ? 0.2 : 0.7,
    rule: 'no-scheme-declared',
    pointers: ['/paths'],
    quote: '',
    doubts: [
      suspicious
        ? 'how to authenticate: operations answer 401, but the description declares no scheme'
        : 'whether the API is open: the description declares no authentication',
    ],
  };
}
