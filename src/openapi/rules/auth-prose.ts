/** Authentication that is told in words or shows only as parameters of the operations. */
import type { Auth } from '../../blueprint/schema.ts';
import type { Description } from '../description.ts';
import type { Endpoint, Parameter } from './endpoints.ts';
import { shorten, squash } from './words.ts';

/** The text before the key in a header's value, with its blank, where the text tells: `Token token=`, `Bearer `. */
export function prefixInText(text: string): string | undefined {
  if (text === '') return undefined;
  const known =
    '(?:Bearer|Token token=|Token|Basic|ApiKey|Api-Key|API-Key|apikey|Key|GenieKey|SSWS|JWT|OAuth|PVEAPIToken=|Zoho-oauthtoken|DeepL-Auth-Key|Discogs token=|Splunk|Apikey)';
  const patterns = [
    // Authorization: Token abc…   /   'Authorization: "Bearer {token}"'
    new RegExp(
      `authorization["'\`]?\\s*[:=]\\s*["'\`*]*(${known})\\s*["'\`]*\\s*[+]?\\s*[<{\\[$("'\`*A-Za-z0-9]`,
      'i',
    ),
    // "Bearer {token}", `Token <key>`, 'SSWS ${api_token}'
    new RegExp(`["'\`*(]\\s*(${known})\\s*["'\`]?\\s*[<{\\[$]`, 'i'),
    // prepended with "token" followed by a space
    /(?:prepend(?:ed)?|prefix(?:ed)?|preceded|start(?:s|ing)?|begin(?:s|ning)?)\s+(?:\w+\s+){0,4}?(?:with|by|of)\s+(?:the\s+)?(?:word\s+|string\s+|prefix\s+)?["'`*]+([A-Za-z][\w-]{2,30}=?)\s*["'`*]+/i,
    // Enter 'Bearer' [space] and then your token
    new RegExp(
      `["'\`*](${known})\\s*["'\`*]\\s*(?:\\[space\\]|followed|and then|\\+|then|prefix|before|in front)`,
      'i',
    ),
    new RegExp(
      `(?:format|form|example|value|like|use|enter|e\\.g\\.|as)[^.]{0,30}?\\b(${known})\\s+(?:[<{\\[$]|your|the|api|token|jwt|key|xxx|abc|ey)`,
      'i',
    ),
    new RegExp(`\\b(${known})\\s+[<{\\[]`, ''),
    // set the `Authorization` header to `Acme-API-Key your-key`
    /header\s+(?:value\s+)?(?:to|as|with|is|of)\s+(?:the\s+)?["'`*]+([A-Za-z][\w-]{1,30}=?)\s+(?:your|<|\{|\[|\$|xxx)/i,
  ];
  for (const pattern of patterns) {
    const match = pattern.exec(text)?.[1];
    if (match === undefined) continue;
    if (/^(your|the|api|value|header|a|an|http|https)$/i.test(match)) continue;
    return match.endsWith('=') ? match : `${match} `;
  }
  return undefined;
}

interface Told {
  readonly name: string;
  readonly parts: readonly Auth[];
  readonly confidence: number;
  readonly rule: string;
  readonly pointers: readonly string[];
  readonly quote: string;
  readonly doubts: readonly string[];
  /** Requests without it are answered, too. */
  readonly optional?: boolean;
}

const KEY_HEADER =
  /(^|[a-z])(apikey|accesskey|authkey|appkey|clientkey|secretkey|subscriptionkey|token|secret|authorization)$|^x?(api|app)?key$/;
/** Headers that end like credentials and are none. */
const NO_CREDENTIAL =
  /csrf|xsrf|idempot|page|paging|continuation|etag|sync|device|push|correlation|cursor|next|request|skip|resume|ratelimit/;
/** The other half of a pair of credentials. */
const COMPANION = /(appid|clientid|authemail|authuser|accountid|userid|username|appname|apiid)$/;
const KEY_QUERY =
  /^(apikey|accesskey|accesstoken|apitoken|appid|authtoken|key|token|subscriptionkey|clientkey|auth)$/;

/** What parameters of operations, or the introduction, tell where no scheme is declared. */
export function undeclaredAuth(description: Description, endpoints: readonly Endpoint[]): Told | undefined {
  return fromParameters(endpoints) ?? fromProse(description);
}

function fromParameters(endpoints: readonly Endpoint[]): Told | undefined {
  const counts = new Map<string, { parameter: Parameter; uses: number }>();
  for (const endpoint of endpoints) {
    for (const parameter of endpoint.parameters) {
      if (!isCredential(parameter)) continue;
      const key = `${parameter.in} ${parameter.name.toLowerCase()}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { parameter, uses: 1 });
      else known.uses += 1;
    }
  }
  const common = [...counts.values()]
    .filter((one) => one.uses >= endpoints.length * 0.4)
    .sort((left, right) => right.uses - left.uses);
  const [best] = common;
  if (best === undefined) return undefined;
  const { parameter } = best;
  // Two required credentials of one place belong together; of optional ones each is enough.
  const together = common
    .filter(
      (one) =>
        one === best || (one.parameter.required && parameter.required && one.parameter.in === parameter.in),
    )
    .concat(companions(endpoints, parameter))
    .slice(0, 3);
  const authorization = parameter.name.toLowerCase() === 'authorization';
  const prefix = parameter.in === 'header' ? prefixInText(spoken(parameter)) : undefined;
  return {
    name: parameter.name,
    parts: together.map((one) =>
      one.parameter === parameter
        ? authFor(parameter, authorization, prefix)
        : authFor(one.parameter, false, undefined),
    ),
    confidence: authorization && prefix === undefined ? 0.55 : 0.75,
    rule: 'credential-parameter',
    pointers: [parameter.pointer],
    quote: shorten(`${parameter.in} ${parameter.name}`, 80),
    doubts: [
      authorization && prefix === undefined
        ? `what stands before the key in the header ${parameter.name}`
        : `whether ${parameter.name} is the only credential: the description declares no scheme`,
    ],
    optional: together.every((one) => !one.parameter.required),
  };
}

/** Ids that are sent in headers beside a key with every request (`X-Auth-Email`, `X-App-Id`). */
function companions(
  endpoints: readonly Endpoint[],
  credential: Parameter,
): { parameter: Parameter; uses: number }[] {
  if (credential.in !== 'header') return [];
  const counts = new Map<string, { parameter: Parameter; uses: number }>();
  for (const endpoint of endpoints) {
    for (const parameter of endpoint.parameters) {
      if (parameter.in !== 'header' || !parameter.required || !COMPANION.test(squash(parameter.name)))
        continue;
      const known = counts.get(parameter.name.toLowerCase());
      if (known === undefined) counts.set(parameter.name.toLowerCase(), { parameter, uses: 1 });
      else known.uses += 1;
    }
  }
  return [...counts.values()].filter((one) => one.uses >= endpoints.length * 0.6);
}

/** Everything that says how the value of a parameter looks. */
function spoken(parameter: Parameter): string {
  const samples = [parameter.example, parameter.schema.default].filter((value) => typeof value === 'string');
  return [parameter.description, ...samples].join(' ');
}

function authFor(parameter: Parameter, authorization: boolean, prefix: string | undefined): Auth {
  if (authorization && (prefix === undefined || /^bearer $/i.test(prefix))) return { kind: 'bearer' };
  if (authorization && prefix !== undefined && /^basic $/i.test(prefix))
    return { kind: 'basic', passwordRequired: true };
  const where = parameter.in === 'query' ? 'query' : parameter.in === 'cookie' ? 'cookie' : 'header';
  return { kind: 'api_key', in: where, name: parameter.name, prefix: authorization ? (prefix ?? '') : '' };
}

/** True for a parameter that carries a credential. */
export function isCredential(parameter: Parameter): boolean {
  const key = squash(parameter.name);
  if (parameter.in === 'header' || parameter.in === 'cookie')
    return KEY_HEADER.test(key) && !NO_CREDENTIAL.test(key);
  if (parameter.in !== 'query' || !KEY_QUERY.test(key)) return false;
  if (key === 'key' || key === 'token' || key === 'auth')
    return (
      /\b(api|access|auth\w*|developer|secret|your)\b/i.test(parameter.description) &&
      !/pag(e|ing|ination)/i.test(parameter.description)
    );
  return true;
}

function fromProse(description: Description): Told | undefined {
  const text = description.document.info.description ?? '';
  if (text === '' || !/authenticat|authoriz|api.?key|access.?token|bearer/i.test(text)) return undefined;
  const base = {
    confidence: 0.55,
    pointers: ['/info/description'],
    doubts: ['how to authenticate: it is told in the introduction only, the description declares no scheme'],
  };
  const header = /["'`*\s](X-[A-Za-z-]*(?:Key|Token|Auth[A-Za-z-]*))["'`*\s:.,]/i.exec(text)?.[1];
  if (header !== undefined) {
    return {
      ...base,
      name: header,
      parts: [{ kind: 'api_key', in: 'header', name: header, prefix: '' }],
      rule: 'header-in-prose',
      quote: header,
    };
  }
  const query = /[?&](api_?key|access_?token|apikey|key|token|appid)=/i.exec(text)?.[1];
  if (query !== undefined) {
    return {
      ...base,
      name: query,
      parts: [{ kind: 'api_key', in: 'query', name: query, prefix: '' }],
      rule: 'query-key-in-prose',
      quote: query,
    };
  }
  if (/authorization["'`]?\s*:\s*["'`]?basic|http basic|basic auth/i.test(text)) {
    return {
      ...base,
      name: 'basic',
      parts: [{ kind: 'basic', passwordRequired: true }],
      rule: 'basic-in-prose',
      quote: 'Basic',
    };
  }
  if (/\bbearer\b/i.test(text))
    return { ...base, name: 'bearer', parts: [{ kind: 'bearer' }], rule: 'bearer-in-prose', quote: 'Bearer' };
  const prefix = prefixInText(text);
  if (prefix !== undefined) {
    return {
      ...base,
      name: 'api_key',
      parts: [{ kind: 'api_key', in: 'header', name: 'Authorization', prefix }],
      rule: 'prefix-in-prose',
      quote: prefix,
    };
  }
  return undefined;
}
