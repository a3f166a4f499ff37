/**
 * Names as words: descriptions spell one thing in many ways (`WorkspaceSid`, `workspace_sid`, `workspace-sid`,
 * `filter[workspace]`), and every rule that compares names compares their words.
 */

const cache = new Map<string, readonly string[]>();
const CACHE_LIMIT = 20_000;

/** Lower-case words of a name: `PageSize` → page, size; `HTMLUrl` → html, url; `created_at[gte]` → created, at, gte. */
export function words(name: string): readonly string[] {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const split = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(name, split);
  return split;
}

/** A name without case and punctuation: `page[Number]` → `pagenumber`. */
export function squash(name: string): string {
  return words(name).join('');
}

const IRREGULAR: Readonly<Record<string, string>> = {
  people: 'person',
  children: 'child',
  men: 'man',
  women: 'woman',
  indices: 'index',
  matrices: 'matrix',
  vertices: 'vertex',
  criteria: 'criterion',
  data: 'data',
  media: 'media',
  status: 'status',
  statuses: 'status',
  addresses: 'address',
  series: 'series',
  news: 'news',
  analyses: 'analysis',
  movies: 'movie',
  cookies: 'cookie',
  aliases: 'alias',
  lenses: 'lens',
  buses: 'bus',
  sms: 'sms',
  dns: 'dns',
  ids: 'id',
  has: 'has',
};

/** The singular of an English word, well enough to match `companies` with `company`. */
export function singular(word: string): string {
  const irregular = IRREGULAR[word];
  if (irregular !== undefined) return irregular;
  if (word.length < 4) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(ss|sh|ch|x|z)es$/.test(word)) return word.slice(0, -2);
  if (word.endsWith('s') && !/(ss|us|is)$/.test(word)) return word.slice(0, -1);
  return word;
}

/** The words of a name in the singular, joined: the form in which `Task Queues`, `taskQueue` and `task_queues` agree. */
export function stem(name: string): string {
  return words(name).map(singular).join('');
}

/** First sentence or so of a text, on one line, at most `limit` characters. */
export function shorten(text: string, limit: number): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  if (flat.length <= limit) return flat;
  const cut = flat.slice(0, limit - 1);
  const blank = cut.lastIndexOf(' ');
  return `${blank > limit / 2 ? cut.slice(0, blank) : cut}…`;
}
