/** From the address of an API's documentation to its description, with few requests and no guess unsaid. */
import { asSourcewrightError, SourcewrightError } from '../../errors.ts';
import { get, publicUrl } from '../../openapi/http.ts';
import { identify } from '../../openapi/identify.ts';
import { MAX_BYTES, REQUEST_TIMEOUT_MS } from '../../openapi/limits.ts';
import { parseText } from '../../openapi/parse.ts';
import { decodeText } from '../../openapi/text.ts';
import type { StageContext } from '../../pipeline/contracts.ts';
import type { FoundDescription } from './find-description.ts';

/** Requests made in all, the page itself among them. */
const MAX_REQUESTS = 14;
const MAX_PAGE_BYTES = 10 * 1024 * 1024;
/** Where servers put their description (RFC 9727 first, then what frameworks serve). */
const WELL_KNOWN = [
  '/.well-known/api-catalog',
  '/openapi.json',
  '/openapi.yaml',
  '/swagger.json',
  '/v3/api-docs',
  '/swagger/v1/swagger.json',
  '/api/openapi.json',
];

/** Rules found no description anywhere; the message says what to give instead. Agents go on from here. */
export class NoDescription extends SourcewrightError {}

interface Candidate {
  readonly url: string;
  readonly how: string;
}

/** Throws `NoDescription` when none was found, `remote` when the page itself does not answer. */
export async function describedBy(
  page: string,
  context: Pick<StageContext, 'signal' | 'progress'>,
): Promise<FoundDescription> {
  const address = httpUrl(page);
  const search = new Search(address, context);
  return search.run();
}

function httpUrl(page: string): URL {
  const url = URL.canParse(page) ? new URL(page) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new SourcewrightError('input', 'This is not the address of a documentation page.', {
    where: page,
    cure: 'Give an http or https URL.',
  });
}

class Search {
  readonly #page: URL;
  readonly #context: Pick<StageContext, 'signal' | 'progress'>;
  readonly #tried = new Set<string>();
  #requests = 0;

  constructor(page: URL, context: Pick<StageContext, 'signal' | 'progress'>) {
    this.#page = page;
    this.#context = context;
  }

  async run(): Promise<FoundDescription> {
    this.#context.progress(`Looking for an API description at ${publicUrl(this.#page.href)}`);
    const page = await this.#get(this.#page.href, MAX_BYTES);
    const text = textOf(page.bytes, page.url);
    if (isDescription(text, page.url)) return this.#found(page.url, 'the address is the description itself');
    const links = [...headerLinks(page.headers.link, page.url), ...pageLinks(text, page.url)];
    const scripts = initializers(text, page.url);
    const found = (await this.#firstOf(links)) ?? (await this.#firstOf(await this.#fromScripts(scripts)));
    if (found !== undefined) return found;
    const origin = new URL(page.url).origin;
    const wellKnown = WELL_KNOWN.map((path) => ({
      url: `${origin}${path}`,
      how: `the usual place ${path} of the same host`,
    }));
    const usual = await this.#firstOf(wellKnown);
    if (usual !== undefined) return usual;
    throw new NoDescription(
      'input',
      'The documentation links to no OpenAPI or Swagger description that can be read.',
      {
        where: publicUrl(this.#page.href),
        cure:
          `Looked at the page's links and at the usual places of its host (${this.#requests} requests). Give the description ` +
          'itself (a file or a URL). The engine "agents" reads documentation.',
      },
    );
  }

  async #firstOf(candidates: readonly Candidate[]): Promise<FoundDescription | undefined> {
    for (const { url, how } of candidates) {
      if (this.#tried.has(url) || this.#requests >= MAX_REQUESTS) continue;
      this.#tried.add(url);
      let text: string;
      try {
        const answer = await this.#get(url, MAX_BYTES);
        text = textOf(answer.bytes, url);
      } catch (error) {
        if (asSourcewrightError(error).code === 'cancelled') throw error;
        continue;
      }
      if (isDescription(text, url)) return this.#found(url, how);
      const nested = await this.#firstOf(catalogLinks(text, url));
      if (nested !== undefined) return nested;
    }
    return undefined;
  }

  /** Swagger UI names its description in a script of its own. */
  async #fromScripts(scripts: readonly string[]): Promise<Candidate[]> {
    const candidates: Candidate[] = [];
    for (const url of scripts.slice(0, 2)) {
      if (this.#requests >= MAX_REQUESTS) break;
      const script = await this.#get(url, MAX_PAGE_BYTES).catch(() => undefined);
      if (script !== undefined)
        candidates.push(...configuredUrls(textOf(script.bytes, url), this.#page.href));
    }
    return candidates;
  }

  async #get(url: string, maxBytes: number) {
    this.#requests += 1;
    return get(url, {
      trustedHost: this.#page.host,
      maxBytes,
      timeoutMs: REQUEST_TIMEOUT_MS,
      signal: this.#context.signal,
    });
  }

  #found(url: string, how: string): FoundDescription {
    this.#context.progress(`Found the description ${publicUrl(url)}`);
    return { location: url, how: `${how} (${publicUrl(url)})`, trustedHost: this.#page.host };
  }
}

function textOf(bytes: Uint8Array, url: string): string {
  return bytes.length === 0 ? '' : decodeText(bytes, url).text;
}

function isDescription(text: string, url: string): boolean {
  if (!/["']?(openapi|swagger)["']?\s*:/.test(text.slice(0, 200_000))) return false;
  try {
    identify(parseText(text, url, text.length).value, url);
    return true;
  } catch {
    return false;
  }
}

/** RFC 8631: `Link: </openapi.json>; rel="service-desc"`. */
function headerLinks(header: string | string[] | undefined, base: string): Candidate[] {
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '');
  const links = [...text.matchAll(/<([^>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)/g)];
  return links
    .filter(([, , parameters]) => /;\s*rel\s*=\s*"?[^"]*\bservice-desc\b/i.test(parameters ?? ''))
    .flatMap(([, target]) => candidate(target ?? '', base, 'the Link header service-desc of the page'));
}

/** Links of an HTML page, the plainest first. */
function pageLinks(html: string, base: string): Candidate[] {
  const tags = [...html.matchAll(/<(link|a|redoc|rapi-doc|elements-api|script|iframe)\b([^>]{0,4000})>/gi)];
  const attribute = (attributes: string, name: string): string | undefined => {
    const found = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(
      attributes,
    );
    return found?.[1] ?? found?.[2] ?? found?.[3];
  };
  const described: Candidate[] = [];
  const linked: Candidate[] = [];
  for (const [, tag = '', attributes = ''] of tags) {
    const name = tag.toLowerCase();
    const href = attribute(attributes, 'href');
    if (name === 'link' && href !== undefined && /service-desc/i.test(attribute(attributes, 'rel') ?? '')) {
      described.push(...candidate(href, base, 'the page\'s <link rel="service-desc">'));
    }
    for (const key of ['spec-url', 'apiDescriptionUrl', 'data-url', 'data-spec-url']) {
      const value = attribute(attributes, key);
      if (value !== undefined && name !== 'a')
        described.push(...candidate(value, base, `the page's viewer (${key})`));
    }
    if (name === 'a' && href !== undefined && looksLikeDescription(href)) {
      linked.push(...candidate(href, base, 'a link of the page'));
    }
  }
  return [...described, ...configuredUrls(html, base), ...linked].slice(0, MAX_REQUESTS);
}

function looksLikeDescription(href: string): boolean {
  const path = href.split(/[?#]/, 1)[0] ?? '';
  return (
    (/\.(json|ya?ml)$/i.test(path) && /openapi|swagger|api|spec|oas/i.test(path)) ||
    /(openapi|swagger|api-docs)\/?$/i.test(path)
  );
}

/** `url: "…"` in the configuration of Swagger UI, `specUrl`, and the like. */
function configuredUrls(text: string, base: string): Candidate[] {
  const found = text.matchAll(
    /["']?\b(?:url|specUrl|spec_url|openapiUrl|openapi_url|configUrl)["']?\s*[:=]\s*["']([^"'\s<>]{1,500})["']/g,
  );
  return [...found]
    .map(([, target]) => target ?? '')
    .filter((target) => /openapi|swagger|api-docs|\.(json|ya?ml)(\?|$)/i.test(target))
    .slice(0, 5)
    .flatMap((target) => candidate(target, base, "the configuration of the page's viewer"));
}

/** Swagger UI's own start script, on the same host. */
function initializers(html: string, base: string): string[] {
  const sources = [...html.matchAll(/<script\b[^>]{0,2000}?\bsrc\s*=\s*["']?([^"'\s>]+)/gi)].map(
    ([, source]) => source ?? '',
  );
  return sources
    .filter((source) => /swagger-(initializer|config)|redoc-init/i.test(source) && URL.canParse(source, base))
    .map((source) => new URL(source, base).href)
    .filter((url) => new URL(url).origin === new URL(base).origin);
}

/** RFC 9727: a linkset of the APIs of a host. Swagger UI's remote configuration is read as well. */
function catalogLinks(text: string, base: string): Candidate[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (typeof value !== 'object' || value === null) return [];
  const targets: string[] = [];
  const collect = (entry: unknown): void => {
    if (typeof entry !== 'object' || entry === null) return;
    for (const key of ['href', 'url'] as const) {
      const target = (entry as Record<string, unknown>)[key];
      if (typeof target === 'string') targets.push(target);
    }
  };
  const { linkset, urls, url } = value as Record<string, unknown>;
  if (typeof url === 'string') targets.push(url);
  if (Array.isArray(urls)) urls.forEach(collect);
  if (Array.isArray(linkset)) {
    for (const context of linkset as unknown[]) {
      const described = (context as Record<string, unknown> | null)?.['service-desc'];
      if (Array.isArray(described)) described.forEach(collect);
    }
  }
  return targets.slice(0, 5).flatMap((target) => candidate(target, base, "the host's catalogue of APIs"));
}

function candidate(target: string, base: string, how: string): Candidate[] {
  const unescaped = target.replaceAll('&amp;', '&').trim();
  if (unescaped === '' || !URL.canParse(unescaped, base)) return [];
  const url = new URL(unescaped, base);
  url.hash = '';
  return url.protocol === 'http:' || url.protocol === 'https:' ? [{ url: url.href, how }] : [];
}
