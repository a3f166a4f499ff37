/** The base URL: of the document, its variables, and operations that live elsewhere. */
import type { Blueprint } from '../../blueprint/schema.ts';
import type { Description } from '../description.ts';
import { pointerAt } from '../description.ts';
import type { ServerObject } from '../document.ts';
import type { Endpoint } from './endpoints.ts';
import { NameRegistry, pythonName } from './naming.ts';

export interface BaseUrl {
  /** Without a slash at the end; empty where none is known. */
  readonly url: string;
  readonly variables: Blueprint['serverVariables'];
  readonly confidence: number;
  readonly rule: string;
  readonly pointer: string;
  readonly doubts: readonly string[];
  /** Other servers that the description names. */
  readonly others: readonly string[];
}

/** Stands in until the person gives the real one; `.invalid` never resolves (RFC 2606). */
export const UNKNOWN_BASE_URL = 'https://base-url.invalid';

/** The base URL that most readable operations share. */
export function findBaseUrl(description: Description, endpoints: readonly Endpoint[]): BaseUrl {
  const { servers, pointer, own } = serversInUse(description, endpoints);
  const ranked = servers
    .map((server, index) => ({ server, index, url: absolute(server.url, description.location) }))
    .filter((candidate) => candidate.url !== undefined)
    .sort((left, right) => serverRank(left.server) - serverRank(right.server) || left.index - right.index);
  const best = ranked[0];
  if (best?.url === undefined) return unknown(servers, pointer);
  const url = withoutRepeatedPrefix(trimSlash(best.url), endpoints);
  const doubts: string[] = [];
  if (url.repeated)
    doubts.push(`whether ${trimSlash(best.url)} or ${url.url} is meant: the paths repeat its end`);
  if (ranked.length > 1 && ambiguous(ranked.map((candidate) => candidate.server)))
    doubts.push('which of the servers is yours');
  return {
    url: url.url,
    variables: variablesOf(best.server, url.url),
    confidence: url.repeated
      ? 0.8
      : isLocal(best.url)
        ? 0.4
        : /^https?:/.test(best.server.url) || best.server.url.startsWith('{')
          ? 0.95
          : 0.75,
    rule: own ? 'servers-of-operations' : 'servers',
    pointer: own ? pointer : pointerAt('/servers', best.index),
    doubts: isLocal(best.url)
      ? ['what the base URL of the real API is: the description names a local one', ...doubts]
      : doubts,
    others: ranked.slice(1, 6).map((candidate) => trimSlash(candidate.url ?? '')),
  };
}

function serversInUse(
  description: Description,
  endpoints: readonly Endpoint[],
): { servers: readonly ServerObject[]; pointer: string; own: boolean } {
  const document = description.document.servers;
  const counts = new Map<string, { servers: readonly ServerObject[]; pointer: string; count: number }>();
  let plain = 0;
  for (const endpoint of endpoints) {
    if (endpoint.method !== 'GET') continue;
    const first = endpoint.servers?.[0];
    if (endpoint.servers === undefined || first === undefined) {
      plain += 1;
      continue;
    }
    const known = counts.get(first.url);
    if (known === undefined)
      counts.set(first.url, { servers: endpoint.servers, pointer: endpoint.pointer, count: 1 });
    else known.count += 1;
  }
  const [most] = [...counts.values()].sort((left, right) => right.count - left.count);
  const preferOwn =
    most !== undefined &&
    (document.length === 0 || document.every((server) => server.url === '/') || most.count > plain);
  if (preferOwn) return { servers: most.servers, pointer: most.pointer, own: true };
  return { servers: document, pointer: '/servers', own: false };
}

/** Production before sandboxes, https before http, named hosts before local ones. */
function serverRank(server: ServerObject): number {
  const text = `${server.url} ${server.description ?? ''}`.toLowerCase();
  let rank = 0;
  if (isLocal(server.url)) rank += 8;
  if (
    /sandbox|staging|\bstage\b|\btest(ing)?\b|\bdev(elopment)?\b|mock|demo|\buat\b|\bqa\b|preprod|example\.(com|org)/.test(
      text,
    )
  )
    rank += 4;
  if (/\bprod(uction)?\b|\blive\b/.test(text)) rank -= 1;
  if (server.url.startsWith('http://')) rank += 0.5;
  return rank;
}

function isLocal(url: string): boolean {
  return /^(https?:)?\/\/(localhost|127\.|0\.0\.0\.0|10\.|192\.168\.|\[::1\]|[^./{}]+(:\d+)?(\/|$))/i.test(
    url,
  );
}

function absolute(url: string, location: string): string | undefined {
  const text = url.trim();
  if (/^https?:\/\//i.test(text)) return text;
  if (text.startsWith('//')) return `https:${text}`;
  if (/^\{[^{}]+\}/.test(text)) return text;
  if (/^https?:\/\//i.test(location)) {
    try {
      return decodeURI(new URL(text === '' ? '/' : text, location).toString());
    } catch {
      return undefined;
    }
  }
  // `api.example.com/v1`: a host without its scheme.
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?(\/|$)/i.test(text)) return `https://${text}`;
  return undefined;
}

function trimSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

/** Servers that end as every path begins: `…/v1/reporting` and `/v1/reporting/transactions`. */
function withoutRepeatedPrefix(
  url: string,
  endpoints: readonly Endpoint[],
): { url: string; repeated: boolean } {
  const match = /^(https?:\/\/[^/]+)(\/.+)$/i.exec(url);
  const [, origin, path] = match ?? [];
  if (origin === undefined || path === undefined || endpoints.length === 0) return { url, repeated: false };
  const all = endpoints.every(
    (endpoint) => endpoint.template === path || endpoint.template.startsWith(`${path}/`),
  );
  return all ? { url: origin, repeated: true } : { url, repeated: false };
}

function ambiguous(servers: readonly ServerObject[]): boolean {
  const ranks = servers.map(serverRank);
  return ranks.filter((rank) => rank === ranks[0]).length > 1;
}

function variablesOf(server: ServerObject, url: string): Blueprint['serverVariables'] {
  const registry = new NameRegistry();
  for (const taken of ['credentials', 'base_url', 'start_date']) registry.take(taken);
  const names = [...new Set([...url.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1] ?? ''))];
  return names.map((name) => {
    const variable = server.variables?.[name];
    return {
      name,
      configKey: registry.take(pythonName(name, 'server_variable')),
      ...(variable?.description === undefined ? {} : { description: variable.description }),
      ...(variable?.default === undefined || variable.default === '' ? {} : { default: variable.default }),
      ...(variable?.enum === undefined || variable.enum.length === 0 ? {} : { enum: variable.enum }),
    };
  });
}

function unknown(servers: readonly ServerObject[], pointer: string): BaseUrl {
  const relative = servers.find((server) => server.url.startsWith('/') && server.url !== '/');
  const url = relative === undefined ? UNKNOWN_BASE_URL : trimSlash(`${UNKNOWN_BASE_URL}${relative.url}`);
  return {
    url,
    variables: [],
    confidence: 0.1,
    rule: 'no-server',
    pointer: servers.length === 0 ? '' : pointer,
    doubts: ['what the base URL of the API is'],
    others: [],
  };
}

/** True where an operation is served from another place than the base URL, so that its path alone does not lead there. */
export function livesElsewhere(endpoint: Endpoint, base: string, location: string): boolean {
  if (endpoint.servers === undefined) return false;
  return !endpoint.servers.some((server) => {
    const url = absolute(server.url, location);
    return url !== undefined && trimSlash(url) === base;
  });
}
