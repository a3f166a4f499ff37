/** Headers that every request carries: the API's version, a media type of its own. */
import type { Blueprint } from '../../blueprint/schema.ts';
import { isCredential } from './auth-prose.ts';
import type { Endpoint, Parameter } from './endpoints.ts';
import { constantOf } from './stream-parameters.ts';

/** Share of the GETs that must ask for a header before it is sent with all. */
const COMMON = 0.5;

export function findHeaders(endpoints: readonly Endpoint[]): Blueprint['headers'] {
  const gets = endpoints.filter((endpoint) => endpoint.method === 'GET');
  return [...acceptHeader(gets), ...versionHeaders(gets)];
}

/** `application/vnd.api+json` and the like have to be asked for by name. */
function acceptHeader(gets: readonly Endpoint[]): Blueprint['headers'] {
  const counts = new Map<string, number>();
  let bodies = 0;
  for (const { response } of gets) {
    if (response?.json !== true) continue;
    bodies += 1;
    const type = (response.mediaType.split(';')[0] ?? '').trim().toLowerCase();
    if (/^application\/[\w.+-]+\+json$/.test(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const [most] = [...counts].sort((left, right) => right[1] - left[1]);
  if (most === undefined || most[1] < bodies * COMMON) return [];
  return [{ name: 'Accept', value: most[0] }];
}

function versionHeaders(gets: readonly Endpoint[]): Blueprint['headers'] {
  const counts = new Map<string, { parameter: Parameter; uses: number }>();
  for (const endpoint of gets) {
    for (const parameter of endpoint.parameters) {
      if (parameter.in !== 'header' || isCredential(parameter)) continue;
      if (/^(accept|content-type|user-agent)$/i.test(parameter.name)) continue;
      const key = parameter.name.toLowerCase();
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { parameter, uses: 1 });
      else known.uses += 1;
    }
  }
  const headers: Blueprint['headers'] = [];
  for (const { parameter, uses } of counts.values()) {
    if (uses < gets.length * COMMON) continue;
    const versioned = /version/i.test(parameter.name);
    if (!parameter.required && !versioned) continue;
    const value = constantOf(parameter) ?? (versioned ? newestOf(parameter) : undefined);
    if (value !== undefined) headers.push({ name: parameter.name, value: String(value) });
  }
  return headers;
}

/** Of several versions the newest; where there is only an example, that. */
function newestOf(parameter: Parameter): string | undefined {
  const values = (parameter.schema.enum ?? []).filter((value): value is string => typeof value === 'string');
  const [newest] = [...values].sort().reverse();
  if (newest !== undefined) return newest;
  return typeof parameter.example === 'string' && parameter.example !== '' ? parameter.example : undefined;
}
